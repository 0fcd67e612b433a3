"""Round trips to a server that may be away: each has its limit, and while it is away nobody waits for it."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from clipper_sls.adapters.remote_caches.circuit_breaker import CircuitBreaker
from clipper_sls.domain.query import Deadline
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.prediction_cache import FOREVER

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Circuit:
    """`name` says in the log what is at the other end, without a password."""

    def __init__(self, name: str, *, clock: Clock, limit_s: float) -> None:
        self._name = name
        self._clock = clock
        self._limit_s = limit_s
        self._breaker = CircuitBreaker()

    def check(self) -> None:
        """Raises StoreUnavailableError while the server is left alone."""
        if not self._breaker.may_try(self._clock.now()):
            raise StoreUnavailableError(f"The {self._name} did not answer lately, and is not asked for a moment")

    async def attempt(self, operation: Awaitable[T]) -> T:
        """A round trip. Raises StoreUnavailableError, whatever a server that is away or out of order makes of it."""
        try:
            result = await operation
        except Exception as error:  # a broken server can make the client raise anything
            reason = f"{type(error).__name__}: {error}"
            self._failed(reason)
            raise StoreUnavailableError(f"The {self._name} failed with {reason}") from error
        if self._breaker.succeeded():
            logger.info("The %s is back", self._name)
        return result

    async def in_time(self, result: "asyncio.Future[T]", deadline: Deadline = FOREVER) -> T:
        """What `result` becomes. Raises StoreUnavailableError when the limit or `deadline` passes before.

        What is under way goes on without its caller: a connection that takes long to be made is there for the next one.
        """
        left_s = deadline - self._clock.now()
        if left_s < self._limit_s:
            timer = asyncio.get_running_loop().call_later(left_s, self._give_up, result, "by the query's deadline")
        else:
            timer = asyncio.get_running_loop().call_later(self._limit_s, self._too_slow, result)
        try:
            return await result
        finally:
            timer.cancel()

    def _too_slow(self, result: "asyncio.Future[T]") -> None:
        limit = f"within {self._limit_s * 1000:g} ms"
        if not result.done():
            self._failed(f"no answer {limit}")
        self._give_up(result, limit)

    def _give_up(self, result: "asyncio.Future[T]", limit: str) -> None:
        if not result.done():
            result.set_exception(StoreUnavailableError(f"The {self._name} did not answer {limit}"))

    def _failed(self, reason: str) -> None:
        if self._breaker.failed(self._clock.now()):
            logger.warning("The %s is not available, predictions go on without it: %s", self._name, reason)
