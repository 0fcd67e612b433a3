"""An image and what was built from what is in it, layer by layer, and down to the files where they differ."""

import platform
from collections.abc import Mapping

import msgspec

from clipper_sls import __version__
from clipper_sls.adapters.oci.layer_contents import contents
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.sources import ImageSource, OpenedImage, from_layout
from clipper_sls.domain.image.contents import LAYER_ANNOTATION, LayerKind
from clipper_sls.domain.image.digests import Descriptor, digest_of
from clipper_sls.domain.image.documents import BASE_NAME, ContainerConfig, to_json
from clipper_sls.domain.image.verification import Outcome, Verification, differing

_OF_THE_RELEASE = frozenset((LayerKind.SERVER.value, LayerKind.CODE.value))
"""Layers with code of clipper-sls in them."""

_Placed = Mapping[str, tuple[Descriptor, str]]
"""By kind of the layers that are not the base's: each, and the digest of its archive."""


def compare(image: OpenedImage, layout: Layout, rebuilt: str, release: str, result: Verification) -> None:
    """Add to `result` how `image`, made by `release`, and the image `rebuilt` in `layout` compare."""
    source = from_layout(layout, rebuilt, "what was rebuilt")
    is_same_release = release == __version__
    _compare_base(image.source, source, result)
    found, expected = _placed(image.source), _placed(source)
    result.equal("kinds of layers", list(found), list(expected))
    for kind in found.keys() & expected.keys():
        if kind in _OF_THE_RELEASE and not is_same_release:
            result.add(f"layer {kind}", Outcome.NOT_COMPARED, _other_release(release))
        else:
            _compare_layer(kind, image.layout, found[kind], layout, expected[kind], result)
    if not is_same_release:
        return result.add("configuration", Outcome.NOT_COMPARED, _other_release(release))
    _compare_container(image.source.config.config, source.config.config, result)
    _compare_manifest(image, source, result)
    return None


def _other_release(release: str) -> str:
    return f"it was made by clipper-sls {release or 'of no release'}, and this is {__version__}"


def _compare_base(found: ImageSource, expected: ImageSource, result: Verification) -> None:
    digests = [[one.digest for one in source.manifest.layers if _is_base(one)] for source in (found, expected)]
    result.equal("layers of the base", digests[0], digests[1])


def _placed(source: ImageSource) -> _Placed:
    pairs = zip(source.manifest.layers, source.config.rootfs.diff_ids, strict=True)
    return {layer.annotations[LAYER_ANNOTATION]: (layer, diff_id) for layer, diff_id in pairs if not _is_base(layer)}


def _is_base(layer: Descriptor) -> bool:
    return layer.annotations.get(LAYER_ANNOTATION, LayerKind.BASE) == LayerKind.BASE


def _compare_layer(
    kind: str,
    layout: Layout,
    found: tuple[Descriptor, str],
    other: Layout,
    expected: tuple[Descriptor, str],
    result: Verification,
) -> None:
    (layer, diff_id), (made, made_diff_id) = found, expected
    if layer.digest == made.digest:
        result.add(f"layer {kind}", Outcome.AGREES)
    elif diff_id == made_diff_id:
        result.add(f"layer {kind}", Outcome.AGREES, "the same archive, compressed by another zlib")
    else:
        told = differing(contents(layout, layer), contents(other, made)) or "the same files, archived in another way"
        result.add(f"layer {kind}", Outcome.DIFFERS, f"{told}{_hint(told)}")
    if layer.annotations != made.annotations:
        result.add(f"annotations of layer {kind}", Outcome.DIFFERS, "they do not say what is in it")


def _hint(told: str) -> str:
    is_bytecode = all(path.endswith(".pyc") for path in told.replace(";", ",").split() if "/" in path.rstrip(","))
    return f" (was it made by another Python than {platform.python_version()}?)" if is_bytecode else ""


def _compare_container(found: ContainerConfig, expected: ContainerConfig, result: Verification) -> None:
    told = [
        f"{name} is {getattr(found, name)!r}, and should be {getattr(expected, name)!r}"
        for name in found.__struct_fields__
        if getattr(found, name) != getattr(expected, name)
    ]
    result.add("configuration", Outcome.DIFFERS if told else Outcome.AGREES, "; ".join(told))


def _compare_manifest(image: OpenedImage, rebuilt: ImageSource, result: Verification) -> None:
    """The base was asked for by its digest, and may have had another name."""
    name = image.source.manifest.annotations.get(BASE_NAME, "")
    annotations = {**rebuilt.manifest.annotations, BASE_NAME: name}
    expected = digest_of(to_json(msgspec.structs.replace(rebuilt.manifest, annotations=annotations)))
    if expected == image.source.digest:
        result.add("digest of the image", Outcome.AGREES)
    elif not result.differences:
        diff_ids = image.source.config.rootfs.diff_ids == rebuilt.config.rootfs.diff_ids
        outcome = Outcome.NOT_COMPARED if diff_ids else Outcome.DIFFERS
        result.add("digest of the image", outcome, f"rebuilt it is {expected}: its layers are compressed otherwise")
