"""From the start to the first answer: the container of an image, and the same files as a process."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from statistics import median

from bench.images.figures import Figure
from bench.images.stage import Stage, sums
from clipper_sls.bootstrap.images import image_builder
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.testing.runtime_api import runtime_api
from clipper_sls.testing.unpacked_image import UnpackedImage

EVENT = pack_event(InputType.DOUBLES, [bytes(8)])
TIMEOUT_S = 600.0
MOST_MS = 300.0

Started = Callable[[str], AbstractContextManager[object]]


def starting(stage: Stage, rounds: int) -> Iterator[Figure]:
    """Milliseconds, medians; a container is made and started, with limits, and without privileges."""
    stage.tell("building an image to start")
    archive, folder = stage.folder / "start.tar", stage.folder / "start"
    with image_builder(TIMEOUT_S, kept=stage.folder / "kept-start") as builder:
        image = builder.build(stage.context(0, sums))
        builder.save(image, archive)
        builder.save(image, folder)
    loaded, unpacked = stage.engine.load(archive), UnpackedImage(folder, stage.folder / "unpacked")

    def container(address: str) -> AbstractContextManager[object]:
        return stage.engine.container(loaded, {"AWS_LAMBDA_RUNTIME_API": address})

    @contextmanager
    def process(address: str) -> Iterator[object]:
        with unpacked.start(AWS_LAMBDA_RUNTIME_API=address) as running:
            try:
                yield running
            finally:
                running.kill()

    pairs = []
    for number in range(1, rounds + 1):
        stage.tell(f"starting, round {number} of {rounds}")
        pairs.append((_milliseconds(container), _milliseconds(process)))
    ours, theirs = (median(values) for values in zip(*pairs, strict=True))
    difference = median(a - b for a, b in pairs)
    yield Figure(
        "first answer after the start: container, process; difference", "ms", ours, theirs, difference, MOST_MS
    )


def _milliseconds(started: Started) -> float:
    with runtime_api() as api:
        started_at = time.perf_counter()
        with started(api.address):
            assert api.ask(EVENT).kind == "response"
            return (time.perf_counter() - started_at) * 1000
