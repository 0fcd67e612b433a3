"""Ten thousand messages: each has one result or is a dead letter in the end, whatever happens meanwhile.

One in a hundred is poison, one in twenty is sent twice; they come in any order; consumers are killed in between; on the
way to half of them requests and answers are lost, and refused.
"""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from urllib.parse import urlsplit

import pytest

from clipper_sls.adapters.aws.dynamodb.tables import JOBS
from clipper_sls.adapters.aws.sqs.dead_letters import SqsDeadLetters
from clipper_sls.adapters.aws.sqs.queue import SqsQueue
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.job import Done, Failed, Job, job_id
from clipper_sls.domain.jobs.messages import DeadLetter, JobMessage, NewMessage, read_message, write_message
from clipper_sls.errors import MalformedRequestError
from clipper_sls.testing.dynamodb import dynamo_table
from clipper_sls.testing.faulty_proxy import Answer, CutAnswer, DropRequest, Fault, FaultyProxy, faulty_proxy
from clipper_sls.testing.ministack import MiniStackUnderTest
from clipper_sls.testing.sqs import boto3_sqs, sqs_queues
from tests.functional.aws.jobs.consumers import APP, KILLER, UNANSWERABLE, Jobs, Place, opened, run

CONSUMERS = 4
DEEDS = (DropRequest(), DropRequest(after_bytes=10), CutAnswer(), Answer(500), Answer(503))
LIMIT_S = 500.0


@dataclass(frozen=True, slots=True)
class Mixture:
    """What is sent: `unreadable` messages are no job's; the rest are, of which some kill and some have no answer."""

    messages: int
    unreadable: int
    unanswerable: int
    killers: int
    twice: int
    kills: int
    max_receives: int


FULL = Mixture(messages=10_000, unreadable=55, unanswerable=40, killers=5, twice=500, kills=12, max_receives=10)
FEW = Mixture(messages=300, unreadable=2, unanswerable=1, killers=0, twice=15, kills=1, max_receives=8)


@pytest.fixture(params=[pytest.param(FULL, id="10000", marks=pytest.mark.slow), pytest.param(FEW, id="300")])
def mixture(request: pytest.FixtureRequest) -> Mixture:
    mixture: Mixture = request.param
    return mixture


@pytest.fixture
def place(shared_ministack: MiniStackUnderTest, mixture: Mixture) -> Iterator[Place]:
    url = shared_ministack.url
    with sqs_queues(url, max_receives=mixture.max_receives) as names, dynamo_table(url, JOBS) as table:
        yield Place(url, names.queue, names.dead_letters, table)


@pytest.fixture
def proxy(place: Place) -> Iterator[FaultyProxy]:
    with faulty_proxy(urlsplit(place.url).netloc) as running:
        yield running


@pytest.mark.timeout(LIMIT_S + 100)
async def test_every_message_has_one_result_or_is_a_dead_letter(
    place: Place, proxy: FaultyProxy, mixture: Mixture
) -> None:
    chance = random.Random(7)
    behind_proxy = Place(f"http://{proxy.host}", place.queue, place.dead_letters, place.table)
    consumers = Consumers([place, behind_proxy])
    jobs = await opened(place)
    try:
        sent = await _sent(jobs, mixture, chance)
        await asyncio.to_thread(_until_empty, consumers, place, proxy, mixture, chance)
        await _check(jobs, sent, await _dead(jobs, place, mixture))
    finally:
        consumers.end()
        await jobs.client.close()
    assert consumers.killed >= mixture.kills
    assert proxy.seen


@dataclass(slots=True)
class Sent:
    """`good` and `bad` by the row of the job, `unreadable` by the body."""

    good: dict[bytes, Job] = field(default_factory=dict)
    bad: dict[bytes, Job] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)


async def _sent(jobs: Jobs, mixture: Mixture, chance: random.Random) -> Sent:
    sent = Sent(unreadable={f"this is no job {number}" for number in range(mixture.unreadable)})
    rows = [b"%b %d" % (KILLER, n) for n in range(mixture.killers)]
    rows += [b"%b %d" % (UNANSWERABLE, n) for n in range(mixture.unanswerable)]
    rows += [b"row %d" % n for n in range(mixture.messages - mixture.unreadable - len(rows))]
    bodies = list(sent.unreadable)
    for start in range(0, len(rows), 50):
        made = [_job(row) for row in rows[start : start + 50]]
        await asyncio.gather(*(jobs.store.create(job) for job, _ in made))
        for row, (job, message) in zip(rows[start : start + 50], made, strict=True):
            (sent.good if row.startswith(b"row") else sent.bad)[row] = job
            bodies.append(write_message(message))
    assert len(bodies) == mixture.messages
    bodies += chance.sample(bodies, mixture.twice)
    chance.shuffle(bodies)
    await jobs.queue.enqueue([NewMessage(str(APP), body) for body in bodies])
    return sent


def _job(row: bytes) -> tuple[Job, JobMessage]:
    now = time.time()  # noqa: TID251 - the store goes by the real one
    job = Job(job_id(random.randbytes(16)), APP, False, 1, now, now + 3_600, now + 86_400)
    return job, JobMessage(job.id, APP, InputType.STRINGS, None, job.expires_at, [row])


class Consumers:
    """As many as there are places for twice over; who ends is replaced, as Lambda does."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.functional.aws.jobs.consumers"])
        self._running: dict[int, ForkServerProcess] = {}
        self.started = 0
        self.killed = 0

    def replace_ended(self) -> None:
        for number in range(CONSUMERS):
            process = self._running.get(number)
            if process is not None and process.is_alive():
                continue
            if process is not None:
                process.close()
                self.killed += 1
            self.started += 1
            place = self._places[number % len(self._places)]
            self._running[number] = self._context.Process(target=run, args=(place, self.started), daemon=True)
            self._running[number].start()

    def kill_one(self, chance: random.Random) -> None:
        process = self._running[chance.randrange(CONSUMERS)]
        process.kill()
        process.join()

    def end(self) -> None:
        for process in self._running.values():
            process.kill()
            process.join()
            process.close()


def _until_empty(
    consumers: Consumers, place: Place, proxy: FaultyProxy, mixture: Mixture, chance: random.Random
) -> None:
    """Kills are spread over the whole: each time another part of the messages is gone."""
    client = boto3_sqs(place.url)
    queue_url = client.get_queue_url(QueueName=place.queue)["QueueUrl"]
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    all_messages = mixture.messages + mixture.twice
    kill_below = [all_messages * (1 - (n + 1) / (mixture.kills + 1)) for n in range(mixture.kills)]
    began = time.monotonic()  # noqa: TID251
    left = all_messages
    while left:
        assert time.monotonic() - began < LIMIT_S, f"{left} messages are left"  # noqa: TID251
        consumers.replace_ended()
        if not any(fault.times for fault in proxy.faults):  # else they would add up while nobody asks
            proxy.fail(Fault("POST", "/", chance.choice(DEEDS), times=chance.randint(1, 3)))
        found = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(names))["Attributes"]
        left = sum(int(found[name]) for name in names)
        if kill_below and left < kill_below[0]:
            kill_below.pop(0)
            consumers.kill_one(chance)
        time.sleep(0.1)  # noqa: TID251 - the queue is asked no more often than that
    client.close()


async def _dead(jobs: Jobs, place: Place, mixture: Mixture) -> Sequence[DeadLetter]:
    queue, dead_letters = (
        SqsQueue(jobs.client, name, clock=SystemClock(), limit_s=20) for name in (place.queue, place.dead_letters)
    )
    return await SqsDeadLetters(dead_letters, queue, max_receives=mixture.max_receives).dead(1_000_000)


async def _check(jobs: Jobs, sent: Sent, dead: Sequence[DeadLetter]) -> None:
    good = {job.id: row for row, job in sent.good.items()}
    unreadable, ids = set[str](), set[str]()
    for letter in dead:
        try:
            job = read_message(letter.body).job_id
        except MalformedRequestError:
            unreadable.add(letter.body)
            continue
        assert job not in good, f"{good[job]!r} is dead ({letter.reason}): {await jobs.store.read(job)}"
        ids.add(job)
    assert unreadable == sent.unreadable
    assert ids == {job.id for job in sent.bad.values()}
    for row, kept in sent.good.items():
        record = await jobs.store.read(kept.id)
        assert record is not None
        assert isinstance(record.outcome, Done), (row, record)
        (prediction,) = record.outcome.predictions
        assert prediction.output == b'"answer to %b"' % row
    for bad in sent.bad.values():
        record = await jobs.store.read(bad.id)
        assert record is not None
        assert record.outcome is None or isinstance(record.outcome, Failed)
