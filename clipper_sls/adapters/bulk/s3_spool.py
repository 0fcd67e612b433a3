"""An output in S3: a multipart upload, which is no object until it is complete, and a journal object beside it.

Nothing of it is on this machine, so a run may go on from another one.
"""

from typing import TYPE_CHECKING, Any, BinaryIO

from clipper_sls.adapters.bulk.s3 import S3Address, S3File, translated
from clipper_sls.domain.bulk.journal import BulkRun, Checkpoint, Journal, decode_journal, encode_journal
from clipper_sls.errors import AbsentError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

JOURNAL_SUFFIX = ".partial.json"
PART_BYTES = 8 * 1024 * 1024
"""S3 takes no parts of less than 5 MiB, but for the last one."""

GROWTH_PARTS = 1_000
"""After so many parts the next ones are larger: there are at most 10,000, of which 440 GB can then be made."""


class S3Spool:
    """`final` is where the journal is named after; `part_bytes` what is kept in memory, and done again after a stop."""

    def __init__(self, client: "S3Client", target: S3Address, final: S3Address, part_bytes: int = PART_BYTES) -> None:
        self._client = client
        self._target = target
        self._journal_address = final.beside(JOURNAL_SUFFIX)
        self._part_bytes = part_bytes
        self._run: BulkRun | None = None
        self._upload = ""
        self._parts: list[dict[str, Any]] = []
        self._pending = bytearray()
        self._checkpoint = Checkpoint()
        self._is_sealed_now = False

    def unfinished(self) -> Journal | None:
        try:
            with translated(self._journal_address):
                content = self._client.get_object(**self._journal_address.place)["Body"].read()
        except AbsentError:
            return None
        journal = decode_journal(content, str(self._journal_address))
        return journal if self._is_usable(journal) else None

    def begin(self, run: BulkRun) -> None:
        before = self.unfinished()
        with translated(self._target):
            if before is not None and not self._is_sealed(before):
                self._client.abort_multipart_upload(**self._target.place, UploadId=before.store["upload"])
            self._upload = self._client.create_multipart_upload(**self._target.place)["UploadId"]
        self._run = run
        self._note()

    def resume(self, journal: Journal) -> None:
        self._run = journal.run
        self._checkpoint = journal.checkpoint
        self._upload = journal.store["upload"]
        self._parts = list(journal.store["parts"])

    def write(self, lines: bytes, checkpoint: Checkpoint) -> None:
        self._pending += lines
        self._checkpoint = checkpoint
        if len(self._pending) >= self._part_bytes * (1 + len(self._parts) // GROWTH_PARTS):
            self._send()

    def seal(self) -> None:
        if self._pending or not self._parts:
            self._send()
        try:
            with translated(self._target):
                self._client.complete_multipart_upload(
                    **self._target.place,
                    UploadId=self._upload,
                    MultipartUpload={"Parts": self._parts},  # type: ignore[typeddict-item]
                )
        except AbsentError:
            if not self._is_there():  # or else a run before this one had completed it
                raise
        self._is_sealed_now = True

    def open(self) -> BinaryIO:
        return S3File(self._client, self._target).open()

    def clear(self) -> None:
        with translated(self._journal_address):
            self._client.delete_object(**self._journal_address.place)

    def remove(self) -> None:
        """The sealed object, where it was only the way to another one."""
        with translated(self._target):
            self._client.delete_object(**self._target.place)

    def close(self) -> None:
        """Of a run that has written no row nothing is left."""
        if self._run is not None and not self._checkpoint.counts.rows and not self._is_sealed_now:
            with translated(self._target):
                self._client.abort_multipart_upload(**self._target.place, UploadId=self._upload)
            self.clear()

    def _send(self) -> None:
        number = len(self._parts) + 1
        with translated(self._target):
            answer = self._client.upload_part(
                **self._target.place, UploadId=self._upload, PartNumber=number, Body=bytes(self._pending)
            )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        self._pending.clear()
        self._note()

    def _note(self) -> None:
        assert self._run is not None
        journal = Journal(self._run, self._checkpoint, {"upload": self._upload, "parts": self._parts})
        with translated(self._journal_address):
            self._client.put_object(**self._journal_address.place, Body=encode_journal(journal))

    def _is_usable(self, journal: Journal) -> bool:
        """Whether what it tells of is still there: S3 may be told to remove uploads that are not completed."""
        return not self._is_sealed(journal) or self._is_there()

    def _is_sealed(self, journal: Journal) -> bool:
        try:
            with translated(self._target):
                self._client.list_parts(**self._target.place, UploadId=journal.store["upload"], MaxParts=1)
        except AbsentError:
            return True
        return False

    def _is_there(self) -> bool:
        return is_there(self._client, self._target)


def is_there(client: "S3Client", address: S3Address) -> bool:
    try:
        with translated(address):
            client.head_object(**address.place)
    except AbsentError:
        return False
    return True
