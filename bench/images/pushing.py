"""What a registry is sent for a new version of the code of a large model."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.images.figures import Figure
from bench.images.stage import Stage
from clipper_sls.bootstrap.images import image_builder, image_context
from clipper_sls.testing.images import bundle_of
from clipper_sls.testing.python_base import PLATFORM

WEIGHT_BYTES = 380 << 20
TIMEOUT_S = 600.0
MB = 1e6


def pushing(stage: Stage) -> Iterator[Figure]:
    """Megabytes that the registry's storage grows by, of an image of about 500 MB, most of it weights."""
    weights = random.Random(0).randbytes(1 << 20) * (WEIGHT_BYTES >> 20)
    grown, image_bytes = [], 0
    for version in ("1", "2"):
        stage.tell(f"pushing version {version} of a large model")
        bundle = stage.folder / f"large-{version}"
        code = f"VERSION = {version}\n".encode() * 1000
        bundle_of(bundle, {"weights.bin": weights, "modules/code.py": code}, version)
        context = image_context(bundle, str(stage.base), str(PLATFORM), stage.folder / "runtime", None)
        before = _stored(stage.folder / "registry")
        with image_builder(TIMEOUT_S, kept=stage.folder / "kept-large") as builder:
            image = builder.build(context)
            image_bytes = image.size_bytes
            builder.push(image, replace(stage.base, repository="large", tag=version, digest=None))
        grown.append(_stored(stage.folder / "registry") - before)
    compared = grown[1] / image_bytes
    yield Figure("pushed for new code, of the whole image", "MB", grown[1] / MB, image_bytes / MB, compared, 0.01)


def _stored(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
