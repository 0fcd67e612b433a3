"""Where the packages of an image come from: wheels, put side by side by uv, unless somebody else installs them."""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from clipper_sls.adapters.oci.uv_command import Uv
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.contents import LayerKind
from clipper_sls.domain.image.references import Reference


class LayerPackages(Protocol):
    """The packages of one image's layers, the server's and the model's. Raises ImageBuildError."""

    def chosen(self, kind: LayerKind) -> str:
        """A text that stands for all that `put` would put: the same packages are there wherever it is the same."""
        ...

    def put(self, kind: LayerKind, folder: Path) -> None:
        """Install them into `folder`, which is made."""
        ...

    def wheels(self, kind: LayerKind) -> str:
        """A lock (`pylock.toml`) with the digests of their wheels; "" where they are not known."""
        ...


class Packages(Protocol):
    """Gives the packages of one image, on `base`, which is by digest, for as long as the block lasts."""

    def opened(self, context: ImageContext, base: Reference) -> AbstractContextManager[LayerPackages]: ...


class WheelPackages:
    """Wheels for the platform, which need not be this one; nothing is built. `timeout_s` bounds each call of uv."""

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    @contextmanager
    def opened(self, context: ImageContext, base: Reference) -> Iterator[LayerPackages]:
        uv = Uv(context.platform, context.manifest.python, self._timeout_s)
        with tempfile.TemporaryDirectory(prefix="clipper-sls-") as scratch:
            yield _Wheels(context, uv, Path(scratch))


@dataclass(frozen=True, slots=True)
class _Wheels:
    _context: ImageContext
    _uv: Uv
    _scratch: Path
    _resolved: dict[LayerKind, str] = field(default_factory=dict)

    def chosen(self, kind: LayerKind) -> str:
        if kind not in self._resolved:
            context = self._context
            is_server = kind is LayerKind.SERVER
            packages, constraints = (
                (context.server.packages, ()) if is_server else (context.packages, context.constraints)
            )
            self._resolved[kind] = self._uv.resolved(packages, constraints, self._scratch)
        return self._resolved[kind]

    def put(self, kind: LayerKind, folder: Path) -> None:
        self._uv.install(self.chosen(kind), folder)

    def wheels(self, kind: LayerKind) -> str:
        return self._uv.lock(self.chosen(kind), self._scratch / kind)
