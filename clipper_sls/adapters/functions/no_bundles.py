"""Where on a machine bundles are kept, there are images on AWS."""

from collections.abc import AsyncIterable
from collections.abc import Set as AbstractSet
from pathlib import Path

from clipper_sls.aws_errors import BundleUploadError
from clipper_sls.domain.bundle import Manifest
from clipper_sls.errors import InvalidBundleError


class NoBundles:
    """Implements `BundleStore`, and has none."""

    async def put(self, archive: AsyncIterable[bytes]) -> Manifest:
        """Raises BundleUploadError, which says what to do instead."""
        raise BundleUploadError(
            "On AWS a model runs as an image, which is made where the model is, and not here. Deploy with a "
            "LambdaContainerManager, or with clipper-sls deploy --stack NAME: they make and push the image, "
            "and register the version"
        )

    async def manifest(self, digest: str) -> Manifest:
        raise InvalidBundleError(f"There is no bundle {digest}: on AWS bundles are inside images")

    def path(self, digest: str) -> Path:
        raise InvalidBundleError(f"There is no bundle {digest}: on AWS bundles are inside images")

    async def keep_only(self, digests: AbstractSet[str]) -> None:
        return
