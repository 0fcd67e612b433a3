"""The header `Prefer` (RFC 7240), as far as predictions and jobs heed it: `respond-async` and `wait=SECONDS`."""

from collections.abc import Iterable
from typing import NamedTuple

RESPOND_ASYNC = "respond-async"


class Preferences(NamedTuple):
    """`wait_s` is how long the client wants to wait for a result at most; None where it does not say."""

    is_async: bool = False
    wait_s: float | None = None


NONE = Preferences()


def preferences(headers: Iterable[tuple[bytes, bytes]]) -> Preferences:
    """What the headers of a request prefer, whose names are in lower case, as in ASGI.

    The first preference of its kind counts; what is unknown, or no number, does not.
    """
    values = [value for name, value in headers if name == b"prefer"]
    return _read(values) if values else NONE  # nearly always


def _read(values: Iterable[bytes]) -> Preferences:
    is_async, wait_s = False, None
    for value in values:
        for preference, argument in _preferences(value.decode("latin-1")):
            is_async |= preference == RESPOND_ASYNC
            if preference == "wait" and wait_s is None and argument.isdecimal():
                wait_s = float(argument)
    return Preferences(is_async, wait_s)


def _preferences(value: str) -> Iterable[tuple[str, str]]:
    for preference in value.split(","):
        name, _, argument = preference.partition(";")[0].partition("=")
        yield name.strip().lower(), argument.strip().strip('"')
