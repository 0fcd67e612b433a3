"""Functions by AWS Lambda's rules: what is known of them, and running them."""

from typing import Protocol

from clipper_sls.domain.functions.hosted import CallResult, FunctionCall, FunctionReference, FunctionVersion
from clipper_sls.domain.queue_batches import QueueWindow


class FunctionCatalog(Protocol):
    """Knows functions, their versions and their aliases."""

    async def resolved(self, reference: FunctionReference, chance: float) -> FunctionVersion | None:
        """The version that answers; of an alias with weights, the one that `chance` draws.

        None when there is no such function, or none that can be run here. Raises StoreUnavailableError.
        """
        ...

    async def provisioned(self, reference: FunctionReference) -> int:
        """How many environments are asked for to be kept ready; 0 when none are."""
        ...

    async def window(self, name: str, source: str) -> QueueWindow | None:
        """How long messages of the queue with the ARN `source` are waited for; None when they are not.

        None, too, when the function does not report failures message by message.
        """
        ...


class FunctionRunner(Protocol):
    """Runs functions, each in environments that answer one call at a time."""

    async def run(self, function: FunctionVersion, call: FunctionCall) -> CallResult:
        """Answer `call`. Whatever the function does is an outcome; nothing is raised for it."""
        ...

    def start_ahead(self, function: FunctionVersion) -> None:
        """Start one environment ahead of the first call, as Lambda may; what goes wrong is told by `run`."""
        ...

    def provision(self, function: FunctionVersion, count: int) -> None:
        """Keep `count` environments ready from now on."""
        ...
