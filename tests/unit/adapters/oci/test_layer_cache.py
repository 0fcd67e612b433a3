"""Layers are made once for what they are made of."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from clipper_sls.adapters.oci.layer_cache import LayerCache
from clipper_sls.adapters.oci.layers import Layer, write_layer
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.tar_stream import FileEntry
from clipper_sls.domain.image.contents import LayerKind

KIND = LayerKind.DEPENDENCIES


class Maker:
    def __init__(self, layout: Layout, content: bytes = b"1") -> None:
        self.times = 0
        self._layout = layout
        self._content = content

    def __call__(self) -> Layer:
        self.times += 1
        return write_layer(self._layout, KIND, {"opt/clipper/a": FileEntry(self._content)}, {"note": "kept"})


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_equal_ingredients_are_made_once_even_by_another_process(layout: Layout) -> None:
    make = Maker(layout)
    layers = [LayerCache(layout).layer(KIND, ("numpy==2", "linux/amd64"), make) for _ in range(2)]
    assert make.times == 1
    assert layers[0] == layers[1] == Maker(layout)()


@pytest.mark.parametrize("other", [("numpy==3",), ("numpy==2", ""), ("numpy", "==2"), ()])
def test_other_ingredients_are_another_layer(layout: Layout, other: tuple[str, ...]) -> None:
    LayerCache(layout).layer(KIND, ("numpy==2",), Maker(layout))
    make = Maker(layout, b"2")
    LayerCache(layout).layer(KIND, other, make)
    assert make.times == 1


def _remove_blob(layout: Layout, layer: Layer) -> None:
    layout.path(layer.descriptor.digest).unlink()


def _cut_blob(layout: Layout, layer: Layer) -> None:
    layout.path(layer.descriptor.digest).write_bytes(b"")


def _spoil_note(layout: Layout, layer: Layer) -> None:
    (note,) = (layout.folder / "layers").iterdir()
    note.write_text("{")


@pytest.mark.parametrize("spoil", [_remove_blob, _cut_blob, _spoil_note])
def test_what_is_gone_or_spoilt_is_made_again(layout: Layout, spoil: Callable[[Layout, Layer], None]) -> None:
    make = Maker(layout)
    layer = LayerCache(layout).layer(KIND, ("a",), make)
    spoil(layout, layer)
    assert LayerCache(layout).layer(KIND, ("a",), make) == layer
    assert make.times == 2


def test_what_was_not_used_for_long_is_removed_first_and_only_when_there_is_too_much(layout: Layout) -> None:
    digests = [layout.keep([bytes([number]) * 10])[0] for number in range(4)]
    for used_at, digest in enumerate(digests):
        os.utime(layout.path(digest), (used_at, used_at))
    left = lambda: [number for number, digest in enumerate(digests) if layout.path(digest).exists()]  # noqa: E731
    layout.prune(max_bytes=40, unused_since=10)
    assert left() == [0, 1, 2, 3]
    layout.prune(max_bytes=25, unused_since=10)
    assert left() == [2, 3]
    layout.prune(max_bytes=0, unused_since=3)
    assert left() == [3]
