"""Where the packages of an image come from: wheels, put side by side, unless somebody else installs them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from clipper_sls.adapters.oci.wheels import install
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.contents import LayerKind
from clipper_sls.domain.image.references import Reference

Fill = Callable[[LayerKind, Path], None]
"""Puts all packages of a layer into a folder."""


class Packages(Protocol):
    """Gives what it takes for one image, on `base`, which is by digest, for as long as the block lasts.

    Raises ImageBuildError when packages cannot be had.
    """

    def opened(self, context: ImageContext, base: Reference) -> AbstractContextManager[Fill]: ...


class WheelPackages:
    """Wheels for the platform, which need not be this one; nothing is built. `timeout_s` bounds each layer."""

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    @contextmanager
    def opened(self, context: ImageContext, base: Reference) -> Iterator[Fill]:
        def fill(kind: LayerKind, folder: Path) -> None:
            is_server = kind is LayerKind.SERVER
            packages = context.server.packages if is_server else context.packages
            python = context.manifest.python
            install(packages, context.platform, python, folder, self._timeout_s, is_complete=is_server)

        yield fill
