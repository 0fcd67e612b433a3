"""Scored rows as the lines of an output file."""

import csv
import io
from collections.abc import Sequence

import msgspec

from clipper_sls.domain.bulk.columns import OUTPUT_COLUMNS
from clipper_sls.domain.bulk.rows import ScoredRow
from clipper_sls.errors import InvalidSettingError

FORMATS = ("csv", "tsv", "jsonl", "parquet")
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
GZIP_SUFFIX = ".gz"

_encode = msgspec.json.Encoder().encode
_NULL = msgspec.Raw(b"null")


def format_of(name: str, given: str | None) -> str:
    """`given`, or what the suffix of a file's name says. Raises InvalidSettingError."""
    if given is not None:
        if given not in FORMATS:
            raise InvalidSettingError(f"Invalid format {given!r}. It must be one of: {', '.join(FORMATS)}")
        return given
    lower = name.lower().removesuffix(GZIP_SUFFIX)
    found = next((form for suffix, form in _SUFFIXES.items() if lower.endswith(suffix)), None)
    if found is None:
        raise InvalidSettingError(
            f"The name {name!r} does not say what it holds. Let it end in {', '.join(_SUFFIXES)}, or name the format"
        )
    return found


class JsonLines:
    """`{"output": ..., "default": false, "error": null}`, what is kept first. Parquet is written as this, too, until
    all values are known.
    """

    def __init__(self, kept: Sequence[str]) -> None:
        self._kept = kept

    def header(self) -> bytes:
        return b""

    def lines(self, rows: Sequence[ScoredRow]) -> bytes:
        return b"".join(self._line(row) for row in rows)

    def _line(self, row: ScoredRow) -> bytes:
        kept = dict(zip(self._kept, row.kept, strict=True))
        output = _NULL if row.output is None else msgspec.Raw(row.output)
        return _encode({**kept, "output": output, "default": row.is_default, "error": row.error}) + b"\n"


class SeparatedLines:
    """CSV as RFC 4180 has it, with `\\n`; an output that is neither a number nor text is JSON in its field."""

    def __init__(self, kept: Sequence[str], delimiter: str) -> None:
        self._kept = kept
        self._delimiter = delimiter

    def header(self) -> bytes:
        return self._written([[*self._kept, *OUTPUT_COLUMNS]])

    def lines(self, rows: Sequence[ScoredRow]) -> bytes:
        return self._written([self._fields(row) for row in rows])

    def _fields(self, row: ScoredRow) -> list[object]:
        kept = [value if isinstance(value, str | None) else _encode(value).decode() for value in row.kept]
        return [*kept, _shown(row.output), "true" if row.is_default else "false", row.error]

    def _written(self, rows: Sequence[Sequence[object]]) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=self._delimiter, lineterminator="\n").writerows(rows)
        return text.getvalue().encode(errors="surrogateescape")


def lines_for(form: str, kept: Sequence[str]) -> JsonLines | SeparatedLines:
    """How an output of this format is written at first."""
    if form in ("csv", "tsv"):
        return SeparatedLines(kept, "," if form == "csv" else "\t")
    return JsonLines(kept)


def _shown(output: bytes | None) -> str | None:
    if output is None:
        return None
    return msgspec.json.decode(output, type=str) if output.startswith(b'"') else output.decode()
