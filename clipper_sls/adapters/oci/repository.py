"""One repository of a registry (OCI distribution specification 1.1): manifests and blobs, both ways.

Whatever comes is verified; whatever breaks off goes on where it was, as far as the registry lets it.
"""

from collections.abc import Iterator
from functools import partial
from http import HTTPStatus

from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.registry_http import PassingError, RegistryHttp, Request, broken_off
from clipper_sls.adapters.oci.upload import CHUNK_BYTES, ChunksDroppedError, SessionLostError, Upload
from clipper_sls.domain.image.digests import Descriptor, digest_of, is_digest, verify
from clipper_sls.domain.image.documents import MAX_DOCUMENT_BYTES
from clipper_sls.domain.image.media_types import ACCEPTED
from clipper_sls.domain.image.references import Reference
from clipper_sls.image_errors import ImageDigestError, InvalidImageError, UnknownImageError

DIGEST_HEADER = "Docker-Content-Digest"

PROGRESS_BYTES = 1 << 20
"""A download that broke off after so much is begun anew; less is one more failure of the same."""


class Repository:
    """`chunk_bytes` is the largest piece in which a blob is sent, where the registry takes pieces."""

    def __init__(self, http: RegistryHttp, name: str, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._http = http
        self._name = name
        self._chunk_bytes = chunk_bytes

    def manifest(self, reference: Reference) -> tuple[bytes, str]:
        """A manifest or index as the registry has it, and its digest. Raises UnknownImageError, ImageDigestError."""
        doing = f"give the image {reference}"
        headers = {"Accept": ", ".join(ACCEPTED)}
        request = Request("GET", self._url(f"manifests/{reference.identifier}"), doing, headers)
        response = self._http.send(request)
        if response.status_code == HTTPStatus.NOT_FOUND:
            raise UnknownImageError(f"There is no image {reference}; see that its name, tag and digest are right")
        if response.status_code != HTTPStatus.OK:
            raise self._http.unexpected(request, response)
        content = response.content
        if len(content) > MAX_DOCUMENT_BYTES:
            raise InvalidImageError(f"The manifest of {reference} has {len(content)} bytes, which none has")
        told: str = reference.digest or response.headers.get(DIGEST_HEADER) or ""
        if is_digest(told):
            verify(content, told, f"The manifest of {reference}")
        return content, digest_of(content)

    def put_manifest(self, content: bytes, media_type: str, identifier: str) -> None:
        """Publish it as a tag or by its digest; all that it names must be there. Raises ImageDigestError."""
        request = Request(
            "PUT",
            self._url(f"manifests/{identifier}"),
            f"take the manifest of {self._name}:{identifier}",
            {"Content-Type": media_type},
            lambda: [content],
            len(content),
        )
        response = self._http.send(request)
        if response.status_code != HTTPStatus.CREATED:
            raise self._http.unexpected(request, response)
        if (told := response.headers.get(DIGEST_HEADER, "")) and told != digest_of(content):
            raise ImageDigestError(
                f"The registry {self._http.registry} took a manifest under the digest {told} that has "
                f"{digest_of(content)}; do not use what it serves"
            )

    def has(self, blob: Descriptor) -> bool:
        request = Request("HEAD", self._url(f"blobs/{blob.digest}"), f"say whether it has {blob.digest}", {})
        response = self._http.send(request)
        if response.status_code not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise self._http.unexpected(request, response)
        return response.status_code == HTTPStatus.OK

    def pull(self, blob: Descriptor, layout: Layout) -> None:
        """Fetch a blob, unless the layout has it. Raises ImageDigestError when what came twice is not it."""
        if layout.has(blob):
            return
        try:
            layout.keep(self.blob(blob), blob.digest)
        except ImageDigestError:  # a bit fell over on the way, perhaps
            layout.keep(self.blob(blob), blob.digest)

    def blob(self, blob: Descriptor) -> Iterator[bytes]:
        """The bytes, not verified as a whole, but no more than there should be; resumed where they broke off."""
        received, failures, doing = 0, 0, f"give the blob {blob.digest} of {self._name}"
        while received < blob.size:
            before, failure = received, PassingError("it gave less than there is")
            try:
                for chunk in self._rest(blob, received, doing):
                    received += len(chunk)
                    yield chunk
            except PassingError as error:
                failure = error
            if received < blob.size:
                failures = 1 if received - before >= PROGRESS_BYTES else failures + 1
                self._http.rest(failures, failure, doing)

    def _rest(self, blob: Descriptor, start: int, doing: str) -> Iterator[bytes]:
        """What one request gives of the bytes from `start` on, whether or not the registry knows ranges."""
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        request = Request("GET", self._url(f"blobs/{blob.digest}"), doing, headers)
        with self._http.stream_once(request) as response:
            if response.status_code not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
                raise self._http.unexpected(request, response)
            at = start if response.status_code == HTTPStatus.PARTIAL_CONTENT else 0
            with broken_off():
                for chunk in response.iter_raw():
                    fresh = chunk[max(0, start - at) :]
                    at += len(chunk)
                    if at > blob.size:
                        raise ImageDigestError(f"The blob {blob.digest} has more than its {blob.size} bytes")
                    if fresh:
                        yield fresh

    def push(self, blob: Descriptor, layout: Layout, mount_from: str | None = None) -> bool:
        """See that the registry has the blob; returns whether it had to be sent.

        `mount_from` is a repository of the same registry that may have it.
        """
        return self._http.persist(partial(self._pushed, blob, layout, mount_from), self._doing(blob))

    def _pushed(self, blob: Descriptor, layout: Layout, mount_from: str | None) -> bool:
        if self.has(blob) or (location := self._session(blob, mount_from)) is None:
            return False
        read = partial(layout.chunks, blob.digest)
        try:
            chunk_bytes = self._chunk_bytes if self._http.takes_chunks else blob.size
            Upload(self._http, blob, read, location, self._doing(blob)).run(chunk_bytes)
        except ChunksDroppedError:
            self._http.takes_chunks = False
            return self._pushed(blob, layout, None)
        except SessionLostError as error:
            raise PassingError(str(error)) from error
        return True

    def mounted(self, blob: Descriptor, mount_from: str) -> bool:
        """Whether the registry has the blob, here or once it was told that it is in the repository `mount_from`."""
        return self.has(blob) or self._session(blob, mount_from) is None

    def _session(self, blob: Descriptor, mount_from: str | None) -> str | None:
        """Where to upload to; None when the blob could be mounted (specification, "Mounting a blob")."""
        mount = f"?mount={blob.digest}&from={mount_from}" if mount_from and mount_from != self._name else ""
        request = Request("POST", self._url(f"blobs/uploads/{mount}"), self._doing(blob), {"Content-Length": "0"})
        response = self._http.send(request)
        if mount and response.status_code == HTTPStatus.CREATED:
            return None
        if response.status_code != HTTPStatus.ACCEPTED or "Location" not in response.headers:
            raise self._http.unexpected(request, response)
        return self._http.url(response.headers["Location"])

    def _doing(self, blob: Descriptor) -> str:
        return f"take the blob {blob.digest} of {self._name}"

    def _url(self, path: str) -> str:
        return f"/v2/{self._name}/{path}"
