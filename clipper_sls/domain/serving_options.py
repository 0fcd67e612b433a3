"""`Serving` as users write it: the same flat options over REST, in Python and on the command line. Pure."""

from collections.abc import Mapping
from difflib import get_close_matches
from numbers import Real
from typing import Any, TypedDict

from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE
from clipper_sls.domain.serving import Batching, Serving
from clipper_sls.errors import InvalidSettingError


class ServingOptions(TypedDict, total=False):
    """Options of a version that Clipper does not have; each may be left out. `DESCRIPTIONS` says what they do."""

    batching: str | None
    batch_wait_ms: float
    cache: bool
    cache_ttl_s: float | None
    idempotent: bool
    hedging: bool | None


DEFAULTS = ServingOptions(batching=None, batch_wait_ms=0.0, cache=True, cache_ttl_s=None, idempotent=True, hedging=None)

DESCRIPTIONS: Mapping[str, str] = {
    "batching": "How the size of batches adapts where batch_size is -1: 'aimd', the default, by trying larger ones; "
    "'quantile' by learning how long batches take.",
    "batch_wait_ms": "How long an idle replica waits at most for a batch to fill. For models on accelerators.",
    "cache": "Whether an input that was answered before may get the same output again, without asking the model.",
    "cache_ttl_s": "Until what age an output may come from the cache; None, the default, for ever.",
    "idempotent": "Whether asking twice does no harm. If False, an input is not tried again when its replica dies.",
    "hedging": "Whether an input may be asked of a second replica, too, when the first takes unusually long; None, the "
    "default, if it is idempotent.",
}

_FLAG: tuple[type, ...] = (bool,)
_FLAG_OR_NONE: tuple[type, ...] = (bool, type(None))
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "batching": ((str, type(None)), "a name"),
    "batch_wait_ms": ((Real,), "a number"),
    "cache": (_FLAG, "True or False"),
    "cache_ttl_s": ((Real, type(None)), "a number or None"),
    "idempotent": (_FLAG, "True or False"),
    "hedging": (_FLAG_OR_NONE, "True, False or None"),
}


def serving_from(options: ServingOptions, batch_size: int) -> Serving:
    """Raises InvalidSettingError when an option is of no use, or contradicts another one or `batch_size`."""
    for name, value in options.items():
        _check_kind(name, value)
    full: ServingOptions = {**DEFAULTS, **options}
    batching, cache_ttl_s = full["batching"], full["cache_ttl_s"]
    if batching is not None and batch_size != ADAPTIVE_BATCH_SIZE:
        raise InvalidSettingError(
            f"batching='{batching}' adapts the size of batches, and batch_size={batch_size} fixes it: give one of them"
        )
    if cache_ttl_s is not None and not full["cache"]:
        raise InvalidSettingError("cache_ttl_s says how long outputs stay in the cache, and cache=False keeps none")
    return Serving(
        batching=Batching.AIMD if batching is None else Batching.parse(batching),
        batch_wait_s=float(full["batch_wait_ms"]) / 1000,
        is_cached=full["cache"],
        cache_ttl_s=None if cache_ttl_s is None else float(cache_ttl_s),
        is_idempotent=full["idempotent"],
        hedging=full["hedging"],
    )


def options_of(serving: Serving, batch_size: int) -> ServingOptions:
    """All options, so that `serving_from` makes the same of them again; `batching` is None where the size is fixed."""
    return ServingOptions(
        batching=serving.batching.value if batch_size == ADAPTIVE_BATCH_SIZE else None,
        batch_wait_ms=round(serving.batch_wait_s * 1000, 6),
        cache=serving.is_cached,
        cache_ttl_s=serving.cache_ttl_s,
        idempotent=serving.is_idempotent,
        hedging=serving.hedging,
    )


def check_names(names: Mapping[str, Any]) -> None:
    """Raise TypeError, as Python does, for a keyword argument that is no option."""
    for name in sorted(names.keys() - DEFAULTS.keys()):
        near = get_close_matches(name, DEFAULTS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(DEFAULTS)}"
        raise TypeError(f"Unexpected argument {name!r}. {hint}")


def _check_kind(name: str, value: object) -> None:
    kinds, wanted = _KINDS[name]
    is_flag_for_number = isinstance(value, bool) and bool not in kinds
    if is_flag_for_number or not isinstance(value, kinds):
        raise InvalidSettingError(f"{name} must be {wanted}, not {value!r}")
