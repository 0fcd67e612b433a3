"""How a model version wants its queries handled: batched, cached, asked twice."""

from dataclasses import dataclass
from enum import StrEnum

from clipper_sls.errors import InvalidSettingError

MAX_BATCH_WAIT_S = 10.0
MAX_CACHE_TTL_S = 366 * 24 * 3600.0


class Batching(StrEnum):
    """Who chooses the size of a batch, where no fixed one is given (Crankshaw et al., NSDI'17, section 4.3)."""

    AIMD = "aimd"
    QUANTILE = "quantile"

    @classmethod
    def parse(cls, text: str) -> "Batching":
        try:
            return cls(text)
        except ValueError:
            choices = ", ".join(f"'{choice}'" for choice in cls)
            raise InvalidSettingError(f"Batching must be one of {choices}, not {text!r}") from None


@dataclass(frozen=True, slots=True)
class Serving:
    """What its deployer knows of a version and the engine cannot find out. The defaults suit most models."""

    batching: Batching = Batching.AIMD
    batch_wait_s: float = 0.0
    """How long an idle replica waits at most for a batch to fill; for accelerators, which small batches leave idle."""
    is_cached: bool = True
    """Equal inputs have equal outputs, so one that is known, or being computed, serves for all."""
    cache_ttl_s: float | None = None
    """An output is not served from the cache when it is older; None: it never gets too old."""
    is_idempotent: bool = True
    """Asking twice does no harm: an input may be tried again when a replica dies."""
    hedging: bool | None = None
    """An input may be asked of a second replica when the first takes unusually long; None: if it is idempotent."""

    def __post_init__(self) -> None:
        if not 0 <= self.batch_wait_s <= MAX_BATCH_WAIT_S:
            raise InvalidSettingError(
                f"The wait for a batch must be between 0 and {MAX_BATCH_WAIT_S * 1000:.0f} ms, "
                f"not {self.batch_wait_s * 1000:g}"
            )
        if self.cache_ttl_s is not None and not 0 < self.cache_ttl_s <= MAX_CACHE_TTL_S:
            raise InvalidSettingError(
                f"cache_ttl_s must be positive, and at most {MAX_CACHE_TTL_S:.0f}, not {self.cache_ttl_s:g}"
            )

    @property
    def may_hedge(self) -> bool:
        return self.is_idempotent if self.hedging is None else self.hedging
