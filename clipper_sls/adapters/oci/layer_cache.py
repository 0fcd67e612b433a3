"""Layers that were made before, by what they are made of.

Archiving and compressing the packages of a model takes most of the time of a build, and they rarely change.
"""

import hashlib
from collections.abc import Callable, Sequence

import msgspec

from clipper_sls.adapters.oci.layers import Layer
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.domain.image.contents import LayerKind
from clipper_sls.domain.image.digests import Descriptor

RECIPE = "3"
"""To be raised whenever the same packages make another layer."""

_FOLDER = "layers"


class _Kept(msgspec.Struct, frozen=True):
    descriptor: Descriptor
    diff_id: str


class LayerCache:
    """Remembers beside the blobs of `layout` which of them is which layer."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._folder = layout.folder / _FOLDER

    def layer(self, kind: LayerKind, ingredients: Sequence[str], make: Callable[[], Layer]) -> Layer:
        """The layer of these `ingredients`, which must be all that it depends on; made if it is not there."""
        key = hashlib.sha256(msgspec.json.encode([RECIPE, kind, *ingredients])).hexdigest()
        path = self._folder / f"{key}.json"
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        except (OSError, msgspec.MsgspecError):
            kept = None
        if kept is not None and self._layout.has(kept.descriptor):
            return Layer(kind, kept.descriptor, kept.diff_id)
        made = make()
        self._layout.note(path, msgspec.json.encode(_Kept(made.descriptor, made.diff_id)))
        return made
