"""The method of `ClipperConnection` that scores a file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from clipper_sls.domain.bulk.columns import WantedColumns
from clipper_sls.domain.bulk.journal import BulkRun
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidSettingError, UnknownApplicationError
from clipper_sls.sdk.connected import Connected
from clipper_sls.sdk.management_client import Answer

if TYPE_CHECKING:
    from clipper_sls.bootstrap.bulk import BulkFiles
    from clipper_sls.service.bulk_scoring import Progress

CHUNK_ROWS = 1_000
MOST_CHUNK_ROWS = 10_000
CONCURRENCY = 4
MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """How a file is scored. What is None is told by the names of the files, or is the application's own."""

    columns: Sequence[str] = ()
    keep: Sequence[str] = ()
    version: str | None = None
    input_format: str | None = None
    output_format: str | None = None
    chunk_rows: int = CHUNK_ROWS
    concurrency: int = CONCURRENCY
    as_jobs: bool = False  # each batch is a job; those of an application with a very long objective are in any case
    resume: bool = True
    force: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.chunk_rows <= MOST_CHUNK_ROWS:
            raise InvalidSettingError(f"chunk_rows is {self.chunk_rows}; it must be between 1 and {MOST_CHUNK_ROWS}")
        if self.concurrency < 1:
            raise InvalidSettingError(f"concurrency is {self.concurrency}; it must be at least 1")


@dataclass(frozen=True, slots=True)
class Scored:
    """What is in an output: `rows` in all, of which runs before this one had written `resumed_rows`; of the rows
    those with the default output, and those that nobody could be asked about.
    """

    output: str
    version: str | None
    rows: int
    defaults: int
    failures: int
    resumed_rows: int


class BulkMethods(Connected):
    """Clipper has no such method."""

    def score(
        self,
        application: str,
        input: str,  # noqa: A002 - its name on the command line
        output: str,
        *,
        observed: Callable[["Progress"], None] | None = None,
        **options: Any,
    ) -> Scored:
        """Ask `application` about every row of a file, and write one row for each, in order, into another.

        `input` and `output` are paths or `s3://bucket/key`; their suffixes say whether they are CSV, JSON lines or
        Parquet. `options` are the fields of `BulkOptions`. `observed` is told after each chunk. The output appears
        when it is whole. Interrupted and called again it goes on where complete chunks ended.

        Raises UnknownApplicationError; NotServedError when no model is linked; AbsentError or InvalidInputError about
        the input; ConflictError when the output is there, or unfinished and of another run; and whatever is raised
        when nobody answers for a while.
        """
        from clipper_sls.bootstrap.bulk import bulk_files  # not at import: it knows every adapter
        from clipper_sls.sdk.bulk_run import Asked, Parallelism, scored_in_full, start_of

        chosen = BulkOptions(**options)
        info = self._application(application)
        wanted = WantedColumns(InputType.parse(info["input_type"]), tuple(chosen.columns), tuple(chosen.keep))
        files = bulk_files(input, output, wanted, input_format=chosen.input_format, output_format=chosen.output_format)
        run = BulkRun(
            application, chosen.version, input, files.source.content, wanted.columns, wanted.kept, files.output_format
        )
        run = self._with_version(run, files, chosen)
        asked = Asked(application, run.version, info["latency_slo_micros"] / MICROS, chosen.as_jobs)
        parallelism = Parallelism(chosen.chunk_rows, chosen.concurrency)
        try:
            start = start_of(run, files.output, may_resume=chosen.resume, may_replace=chosen.force)
            done = scored_in_full(
                files, self.cm.queries.http, asked, parallelism, start, wanted.kept, observed or _nobody
            )
        finally:
            files.output.close()
        counts = done.counts
        return Scored(output, run.version, counts.rows, counts.defaults, counts.failures, done.resumed_rows)

    def _application(self, name: str) -> Answer:
        found = self._management.get_application(name)
        if not found:
            raise UnknownApplicationError(f"No application {name!r} is registered")
        return found

    def _with_version(self, run: BulkRun, files: "BulkFiles", options: BulkOptions) -> BulkRun:
        """A file is scored by one version: one that is named, the one of the run that goes on, or the current one."""
        if options.version is not None:
            return run
        journal = files.output.unfinished() if options.resume else None
        if journal is not None and journal.run.application == run.application:
            return replace(run, version=journal.run.version)
        return replace(run, version=self._current(run.application))

    def _current(self, application: str) -> str | None:
        """None when it has no one model, and answers come from whoever is asked then."""
        linked = self._management.get_linked_models(application)
        if len(linked) != 1:
            return None
        models = self._management.get_all_models(verbose=True)
        current = (m for m in models if m["model_name"] == linked[0] and m["is_current_version"])
        return next((str(model["model_version"]) for model in current), None)


def _nobody(_: "Progress") -> None:
    """Nobody wants to know."""
