"""What does not fit into one answer: jobs, and payloads that are too large for Lambda."""

import time
from collections.abc import Iterator

from examples.aws_smoke.report import Finding
from examples.aws_smoke.site import APPLICATION, Site

JOBS = 20
JOB_LIMIT_S = 120.0
NUMBERS = 900_000  # 7.2 MB packed, 9.6 in base64; 1.8 as JSON

ALL_JOBS = "jobs are answered"
LARGE = "a row over 6 MB goes through S3"


def check_jobs(site: Site) -> Iterator[Finding]:
    queries = site.connection.cm.queries
    started_at = time.monotonic()
    jobs = [queries.submit(APPLICATION, {"input": [float(number)] * 2})["job_id"] for number in range(JOBS)]
    done = [queries.job_done(job, JOB_LIMIT_S)["status"] for job in jobs]
    took_s = time.monotonic() - started_at
    held = done == ["done"] * JOBS
    yield Finding.of(ALL_JOBS, f"{done.count('done')} of {JOBS} in {took_s:.1f} s", held=held)


def check_large_payload(site: Site) -> Iterator[Finding]:
    answer = site.predict([0] * NUMBERS)
    yield Finding.of(LARGE, answer[:200], held=answer.endswith(f" {NUMBERS}"))
