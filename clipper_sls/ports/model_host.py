"""Keeping replicas of model versions running."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

from clipper_sls.domain.identifiers import ModelId, ModelName
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.domain.replicas import PoolStatus
from clipper_sls.domain.traffic import Answering

Decide = Callable[[], Awaitable[Answering | None]]


class HostStatus(Protocol):
    """Tells how the versions that it knows are doing."""

    def pools(self) -> Sequence[PoolStatus]:
        """How each hosted version is doing, in the order in which they were started."""
        ...


class ModelHost(HostStatus, Protocol):
    """Starts, scales and stops the replicas of model versions; restarts those that die.

    A version with an endpoint runs elsewhere: to start it is to begin asking it, and to stop it to end that.
    """

    async def identified(self, version: ModelVersion) -> ModelVersion:
        """`version`, which is to have replicas, with the digest of its bundle, and its image by digest if it has one.

        Raises InvalidBundleError when the bundle is nowhere, UnsupportedImageError when its image cannot be run here,
        IncompatibleInputTypeError when the image is of another one, and the errors of image registries.
        """
        ...

    async def start(self, version: ModelVersion) -> None:
        """Host `version`; returns when its minimum of replicas is ready.

        Raises EnvironmentBuildError, ModelStartError or ModelStartTimeoutError with the end of the replica's log, and
        then hosts nothing of it. Starting what is hosted already is no error.
        """
        ...

    async def let_answer(self, model: ModelName, decide: Decide) -> None:
        """From when this returns, what `decide` says answers for `model`; nothing changes if that is None.

        For hosts whose front ends ask "the current version" and learn from somewhere else than the registry which one
        that is; for others there is nothing to do, and nothing is decided. `decide` is called after it was looked at
        who answers now, and again if somebody else has changed that in the meantime. Raises StaleWriteError when that
        happens again and again.
        """
        ...

    async def withdraw(self, model: ModelId) -> None:
        """What `start` has started could not be registered: end it, unless somebody may need it all the same."""
        ...

    async def resume(self, version: ModelVersion) -> None:
        """Host `version` again after a restart of the engine: like `start`, but keeps trying in the background."""
        ...

    async def scale(self, model: ModelId, scaling: Scaling) -> None:
        """Change how many replicas run; returns when the minimum is ready. Raises ModelStartError."""
        ...

    async def stop(self, model: ModelId) -> None:
        """End every replica of `model`, after the batch it is working on; stopping what is not hosted is no error."""
        ...

    def log_files(self, model: ModelId | None = None) -> Sequence[Path]:
        """Log files of the replicas of `model`, or of all, those of ended replicas included, oldest first."""
        ...
