"""Files to score, put together from their names."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from clipper_sls.adapters.bulk.file_output import FileOutput, Spool
from clipper_sls.adapters.bulk.input_file import InputFile, LocalFile, unzipped
from clipper_sls.adapters.bulk.line_sources import JsonLinesSource, SeparatedSource
from clipper_sls.adapters.bulk.local_spool import LocalSpool, translated
from clipper_sls.adapters.bulk.parquet import ParquetSource, pyarrow, write_parquet
from clipper_sls.adapters.bulk.s3 import SCHEME, S3Address, S3File, s3_client
from clipper_sls.adapters.bulk.s3 import translated as translated_s3
from clipper_sls.adapters.bulk.s3_spool import S3Spool, is_there
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.bulk.columns import WantedColumns
from clipper_sls.domain.bulk.output_lines import GZIP_SUFFIX, format_of
from clipper_sls.errors import InvalidSettingError
from clipper_sls.ports.bulk import BulkOutput, BulkSource
from clipper_sls.ports.clock import Clock

SPOOL_SUFFIX = ".partial"


@dataclass(frozen=True, slots=True)
class BulkFiles:
    """`output_format` is that of `output`."""

    source: BulkSource
    output: BulkOutput
    output_format: str


def bulk_files(
    input_name: str, output_name: str, wanted: WantedColumns, *, input_format: str | None, output_format: str | None
) -> BulkFiles:
    """Each is a path or `s3://bucket/key`. Raises InvalidSettingError; nothing is opened yet."""
    form = format_of(output_name, output_format)
    if output_name.lower().endswith(GZIP_SUFFIX):
        raise InvalidSettingError(f"{output_name} cannot be written: outputs are not compressed, but for Parquet")
    source = _source(_input(input_name), format_of(input_name, input_format), wanted)
    return BulkFiles(source, _output(output_name, form, wanted.kept), form)


def clock_for_bulk() -> Clock:
    """The machine's."""
    return SystemClock()


def _input(name: str) -> InputFile:
    if name.startswith(SCHEME):
        return S3File(s3_client(), S3Address.parse(name))
    return LocalFile(Path(name))


def _source(file: InputFile, form: str, wanted: WantedColumns) -> BulkSource:
    if form == "parquet":
        pyarrow()
        return ParquetSource(file, wanted)
    if form == "jsonl":
        return JsonLinesSource(unzipped(file), wanted)
    return SeparatedSource(unzipped(file), wanted, "," if form == "csv" else "\t")


def _output(name: str, form: str, kept: tuple[str, ...]) -> BulkOutput:
    if form == "parquet":
        pyarrow()
    if name.startswith(SCHEME):
        return _in_s3(S3Address.parse(name), form, kept)
    path = Path(name)
    publish = partial(_publish_parquet, path, kept) if form == "parquet" else partial(_rename, path)
    return FileOutput(name, LocalSpool(path), path.exists, publish)


def _rename(path: Path, spool: Spool) -> None:
    assert isinstance(spool, LocalSpool)
    with translated(path):
        spool.path.replace(path)


def _publish_parquet(path: Path, kept: tuple[str, ...], spool: Spool) -> None:
    fresh = path.with_name(path.name + ".new")
    with translated(path), spool.open() as lines:
        write_parquet(lines, fresh, kept)
        fresh.replace(path)


def _in_s3(address: S3Address, form: str, kept: tuple[str, ...]) -> BulkOutput:
    client = s3_client()
    exists: Callable[[], bool] = partial(is_there, client, address)
    if form != "parquet":
        return FileOutput(str(address), S3Spool(client, address, address), exists, _published_already)
    spool = S3Spool(client, address.beside(SPOOL_SUFFIX), address)

    def publish(sealed: Spool) -> None:
        with TemporaryDirectory(prefix="clipper-sls-score-") as folder, sealed.open() as lines:
            path = Path(folder) / "output.parquet"
            write_parquet(lines, path, kept)
            with translated_s3(address):
                client.upload_file(str(path), address.bucket, address.key)
        spool.remove()

    return FileOutput(str(address), spool, exists, publish)


def _published_already(spool: Spool) -> None:
    """A multipart upload is an object once it is sealed."""
