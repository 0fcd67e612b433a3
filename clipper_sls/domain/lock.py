"""The lock of a bundle: every package that its function needs, directly or not, in one version each.

A file in the form that pip takes as constraints, listed in the manifest as any other. It says which version, not
that a package is needed: what that is follows from the packages and the platform, and a package that is needed on
another platform only, or was not installed where the bundle was made, is not in it.
"""

import hashlib
from collections.abc import Callable, Iterable

from packaging.requirements import InvalidRequirement, Requirement

from clipper_sls.domain.bundle import LOCK_FILE, Manifest
from clipper_sls.errors import BundleDigestError, InvalidBundleError

_HEAD = "# Which version of each package; pip and uv take it with --constraint.\n"


def lock_text(pins: Iterable[str]) -> bytes:
    """The file's content: `name==version`, one a line, sorted."""
    return (_HEAD + "".join(f"{pin}\n" for pin in sorted(pins))).encode()


def pins_in(content: bytes) -> tuple[str, ...]:
    """Raises InvalidBundleError for anything but exact versions: the file is handed to a tool that takes more."""
    lines = [line.strip() for line in content.decode(errors="replace").splitlines()]
    pins = tuple(line for line in lines if line and not line.startswith("#"))
    for pin in pins:
        if not _is_exact(pin):
            raise InvalidBundleError(
                f"{LOCK_FILE} holds {pin[:100]!r}, which is no name==version; deploy the model again"
            )
    return pins


def locked_packages(manifest: Manifest, read: Callable[[str], bytes]) -> tuple[str, ...]:
    """The pins of a bundle, none when it has no lock; `read` gives the content of one of its files.

    Raises BundleDigestError when the lock is not the one that the manifest lists, InvalidBundleError, OSError.
    """
    if manifest.lock_file is None:
        return ()
    content = read(manifest.lock_file)
    if hashlib.sha256(content).hexdigest() != manifest.files[manifest.lock_file].sha256:
        raise BundleDigestError(
            f"The bundle's {manifest.lock_file} is not what its manifest says: it was changed after it was deployed, "
            f"and nothing of it was installed. Deploy the model again."
        )
    return pins_in(content)


def _is_exact(pin: str) -> bool:
    try:
        requirement = Requirement(pin)
    except InvalidRequirement:
        return False
    specifiers = list(requirement.specifier)
    is_plain = requirement.url is None and requirement.marker is None and not requirement.extras
    return is_plain and len(specifiers) == 1 and specifiers[0].operator == "==" and "*" not in specifiers[0].version
