"""How long it takes to build the image of a scikit-learn model with and without Docker, and how large it is."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from bench.images.figures import Figure
from bench.images.stage import Stage, digits
from clipper_sls.adapters.docker.build_context import build_context
from clipper_sls.adapters.docker.engine import Build, docker_engine
from clipper_sls.bootstrap.images import image_builder
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.model_config import labels, name_in_engine
from clipper_sls.packaging.runtime_images import runtime_image
from clipper_sls.testing.images import PulledImage

TIMEOUT_S = 600.0


def building(stage: Stage, rounds: int) -> Iterator[Figure]:
    """Seconds. Wheels are at hand, packages are resolved anew; then a new version of the code, all else being kept."""
    fresh: list[tuple[float, float]] = []
    again: list[tuple[float, float]] = []
    for number in range(1, rounds + 1):
        stage.tell(f"building, round {number} of {rounds}")
        for pairs, version in ((fresh, 2 * number), (again, 2 * number + 1)):
            context = stage.context(version, digits)
            ours = _seconds(partial(_without, stage.folder / f"kept-{number}", context))
            pairs.append((ours, _seconds(partial(_with, stage, _unseen(context, number)))))
    for name, pairs in (("build, layers of packages made anew", fresh), ("build of a new version of the code", again)):
        ours, theirs = (median(values) for values in zip(*pairs, strict=True))
        yield Figure(f"{name}: without Docker, by Docker", "s", ours, theirs, median(a / b for a, b in pairs), 1.0)


def size(stage: Stage) -> Iterator[Figure]:
    """Megabytes, compressed: the image, and its base with the wheels that are in it."""
    context = stage.context(2, digits)
    with image_builder(TIMEOUT_S, kept=stage.folder / "kept-1") as builder:
        pulled = PulledImage(builder.push(builder.build(context), replace(stage.base, tag="size", digest=None)))
    base = PulledImage(stage.base).manifest.size_bytes
    image, wheels = pulled.manifest.size_bytes, sum(path.stat().st_size for path in stage.wheels.glob("*.whl"))
    mb = 1e6
    yield Figure("size: image, base and wheels", "MB", image / mb, (base + wheels) / mb, image / (base + wheels), 1.05)
    added = image - base
    yield Figure("size without the base: layers, wheels", "MB", added / mb, wheels / mb, added / wheels, 1.05)


def _seconds(work: Callable[[], object]) -> float:
    started_at = time.perf_counter()
    work()
    return time.perf_counter() - started_at


def _unseen(context: ImageContext, number: int) -> ImageContext:
    """The same to Docker, but for a constraint on nothing, so that what an earlier round left is of no use."""
    return replace(context, constraints=(*context.constraints, f"nothing-{number}==1"))


def _without(kept: Path, context: ImageContext) -> None:
    with image_builder(TIMEOUT_S, kept=kept) as builder:
        builder.build(context)


def _with(stage: Stage, context: ImageContext) -> None:
    """What `docker build` does, and no more: no layer is compressed, nothing leaves the engine."""
    with docker_engine(timeout_s=TIMEOUT_S, tell=lambda line: None) as engine:
        wanted = Build(
            files=build_context(context, runtime_image("python")),
            arguments={
                "BASE": str(context.base),
                "BUILDER": str(context.base),
                "BUNDLE_DIGEST": context.manifest.digest,
            },
            labels=labels(context.manifest, context.release, context.provenance),
            tag=stage.engine.owned(name_in_engine(context.manifest)),
            network="host",
        )
        engine.build(wanted, "the image")
