"""What stands for Docker images on one machine: bundles that `build_model` keeps, under names that carry their digest.

An image may be deployed as another model than it was built for, and its input type is known only then. So a bundle gets
its final manifest, and with it its final digest, when it is deployed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from clipper_sls.domain.bundle import CLOSURE_ENTRY, FUNCTION_FILE, MANIFEST_NAME, Manifest
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidBundleError, UnsupportedImageError
from clipper_sls.packaging.archive import archive
from clipper_sls.packaging.bundling import add_warm_up, bundle_builtin, bundle_directory
from clipper_sls.packaging.signing import Signer
from clipper_sls.sdk.clipper_images import BaseImage, base_image, built_image, digest_of, with_digest
from clipper_sls.sdk.cluster_logger import ClusterAdapter
from clipper_sls.sdk.management_client import ManagementClient, NewVersion
from clipper_sls.sdk.state_folder import make_private

STAND_IN_TYPE = InputType.JSON
"""Input type in the manifest of a bundle that was built and not yet deployed."""


@dataclass(frozen=True, slots=True)
class LocalImages:
    """Builds and deploys. `built` is a folder with one bundle for each digest."""

    cluster_name: str
    built: Path
    signer: Signer
    logger: ClusterAdapter

    def build(
        self, name: str, version: str, folder: Path, image: str, registry: str | None, packages: Sequence[str]
    ) -> str:
        """Keep a bundle of `folder` and return its name. Raises UnsupportedImageError or InvalidBundleError."""
        base = base_image(image)
        self._check_base(base, folder, image)
        with _temporary_folder(self.built) as destination:
            if base.is_builtin:
                manifest = bundle_builtin(
                    base.value, name=name, version=version, input_type=STAND_IN_TYPE, destination=destination
                )
            else:
                manifest = bundle_directory(
                    folder,
                    name=name,
                    version=version,
                    input_type=STAND_IN_TYPE,
                    entry=CLOSURE_ENTRY,
                    pkgs_to_install=packages,
                    destination=destination,
                )
            _keep(destination, self.built / manifest.digest)
        return built_image(registry, self.cluster_name, name, version, manifest.digest)

    @contextmanager
    def bundle(self, new: NewVersion) -> Iterator[Path | None]:
        """A folder with the bundle of `new.image`, with what is being deployed in its manifest; None if it is not here.

        Raises UnsupportedImageError when it is not here and has to be.
        """
        base, digest = base_image(new.image), digest_of(new.image)
        if base.is_builtin:
            with tempfile.TemporaryDirectory(prefix="clipper-sls-") as folder:
                target = Path(folder)
                bundle_builtin(
                    base.value, name=new.name, version=new.version, input_type=new.input_type, destination=target
                )
                yield _warmed(target, new)
        elif digest is not None and (self.built / digest).is_dir():
            with _temporary_folder(self.built) as folder:
                shutil.copytree(self.built / digest, folder, dirs_exist_ok=True, copy_function=os.link)
                _readdress(folder, new)
                yield _warmed(folder, new)
        elif new.warm_up:
            raise unsupported(new.image, "warm-up inputs go into its bundle, which is not on this machine")
        else:
            yield None

    def deploy(self, management: ManagementClient, new: NewVersion) -> None:
        """Deploy what `new.image` stands for, or itself. Raises UnsupportedImageError when the engine cannot run it."""
        with self.bundle(new) as bundle:
            if bundle is None:
                _deploy_present(management, new)
            else:
                management.add_model(replace(new, image=with_digest(new.image, self._uploaded(management, bundle))))

    def deploy_bundle(self, management: ManagementClient, new: NewVersion, bundle: Path, registry: str | None) -> None:
        """Sign the bundle in the folder `bundle`, and deploy it as it is."""
        digest = self._uploaded(management, bundle)
        image = built_image(registry, self.cluster_name, new.name, new.version, digest)
        management.add_model(replace(new, image=image))

    def _uploaded(self, management: ManagementClient, bundle: Path) -> str:
        self.signer.sign(bundle)
        return management.upload_bundle(archive(bundle))

    def _check_base(self, base: BaseImage, folder: Path, image: str) -> None:
        if not folder.is_dir():
            raise InvalidBundleError(f"model_data_path must be a folder that exists, which {folder} is not")
        if base is not BaseImage.UNKNOWN:
            return
        if not (folder / FUNCTION_FILE).is_file():
            raise unsupported(image, f"{folder} holds no {FUNCTION_FILE} that could be run without it")
        self.logger.warning("Base image %r has no effect: Python runs the %s itself", image, FUNCTION_FILE)


def _deploy_present(management: ManagementClient, new: NewVersion) -> None:
    """Built somewhere else: the engine has the bundle, since it was deployed before, or runs the image, or refuses."""
    try:
        management.add_model(new)
    except InvalidBundleError as error:
        raise unsupported(new.image, "its bundle is neither on this machine nor in the engine") from error


def _warmed(bundle: Path, new: NewVersion) -> Path:
    if new.warm_up:
        add_warm_up(bundle, new.warm_up)
    return bundle


def _readdress(bundle: Path, new: NewVersion) -> None:
    """Write what is being deployed into the manifest of `bundle`, as a new file: the old one may be a link."""
    path = bundle / MANIFEST_NAME
    manifest = Manifest.from_json(path.read_bytes())
    path.unlink()
    path.write_bytes(
        replace(
            manifest,
            name=new.name,
            version=new.version,
            input_type=InputType.parse(new.input_type).value,
        ).to_json()
    )


@contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    make_private(parent.parent)
    parent.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".building-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keep(bundle: Path, place: Path) -> None:
    """What has the same digest is the same, so what is there already may stay."""
    if not place.exists():
        bundle.rename(place)


def unsupported(image: str, reason: str) -> UnsupportedImageError:
    """With what can be deployed."""
    return UnsupportedImageError(
        f"Image '{image}' cannot run here: {reason}. What can be deployed is a name that build_model returned, "
        f"Clipper's noop-container and sum-container, or a function by "
        f"clipper_sls.deployers.python.deploy_python_closure"
    )
