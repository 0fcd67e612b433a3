"""Objects in S3 as input files, and boto3's errors as ours."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from clipper_sls.errors import AbsentError, ConflictError, InvalidSettingError, RefusedError, StoreUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCHEME = "s3://"
READ_BYTES = 8 * 1024 * 1024
"""Of one request, and kept in memory."""

ABSENT = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NoSuchUpload"})
REFUSED = frozenset({"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"})
CHANGED = frozenset({"412", "PreconditionFailed"})
TRIES = 8


@dataclass(frozen=True, slots=True)
class S3Address:
    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> "S3Address":
        """`s3://bucket/key`. Raises InvalidSettingError."""
        bucket, _, key = text.removeprefix(SCHEME).partition("/")
        if not bucket or not key or key.endswith("/"):
            raise InvalidSettingError(f"{text!r} names no object; it is to be s3://BUCKET/KEY")
        return cls(bucket, key)

    def beside(self, suffix: str) -> "S3Address":
        return S3Address(self.bucket, self.key + suffix)

    @property
    def place(self) -> Any:
        """As boto3's arguments."""
        return {"Bucket": self.bucket, "Key": self.key}

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"


def s3_client() -> "S3Client":
    """With the user's own credentials, region and endpoint. Raises InvalidSettingError without boto3 or a region."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise InvalidSettingError("Files in S3 need boto3. Install it with: pip install 'clipper-sls[aws]'") from error
    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": TRIES}))


@dataclass(frozen=True, slots=True)
class S3File:
    """One object, as it was when the run began: one that is replaced meanwhile is an error and no mixture."""

    client: "S3Client"
    address: S3Address

    @property
    def name(self) -> str:
        return str(self.address)

    @property
    def content(self) -> str:
        head = self._head()
        return f"{head['ContentLength']} bytes of {head['ETag']}"

    @property
    def size_bytes(self) -> int:
        return int(self._head()["ContentLength"])

    def open(self) -> BinaryIO:
        head = self._head()
        stream = _ObjectStream(self.client, self.address, head["ETag"], head["ContentLength"])
        return cast(BinaryIO, io.BufferedReader(stream, READ_BYTES))

    def _head(self) -> Any:
        with translated(self.address):
            return self.client.head_object(**self.address.place)


class _ObjectStream(io.RawIOBase):
    """A range is one request, which boto3 repeats; no connection is kept open while rows are being scored."""

    def __init__(self, client: "S3Client", address: S3Address, etag: str, size_bytes: int) -> None:
        self._client = client
        self._address = address
        self._etag = etag
        self._size_bytes = size_bytes
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_bytes}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), self._size_bytes)
        if end <= self._at:
            return 0
        wanted: Any = {"Range": f"bytes={self._at}-{end - 1}", "IfMatch": self._etag}
        with translated(self._address):
            content = self._client.get_object(**self._address.place, **wanted)["Body"].read()
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


@contextmanager
def translated(address: S3Address) -> Iterator[None]:
    """boto3's errors as ours."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        raise _of_code(str(error.response.get("Error", {}).get("Code", "")), address, error) from error
    except NoCredentialsError as error:
        raise RefusedError(f"{address} needs AWS credentials, and none were found") from error
    except BotoCoreError as error:
        raise StoreUnavailableError(
            f"{address} cannot be reached: {error}. Run the same command again to go on"
        ) from error


def _of_code(
    code: str, address: S3Address, error: Exception
) -> AbsentError | RefusedError | ConflictError | StoreUnavailableError:
    if code in ABSENT:
        return AbsentError(f"There is no {address} ({code})")
    if code in REFUSED:
        return RefusedError(f"{address} is not yours to use ({code})")
    if code in CHANGED:
        return ConflictError(f"{address} was replaced while it was being read. Begin anew with --no-resume")
    return StoreUnavailableError(f"{address}: {error}. Run the same command again to go on")
