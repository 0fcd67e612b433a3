"""An object that is asked by its `predict`: made, if the bundle holds a class, and set up once in each replica."""

import logging
import traceback
from typing import Any

from clipper_sls.domain.bundle import SET_UP_METHODS


class SetUpError(Exception):
    """Making or setting up the object failed; the message says in which call. Never leaves the runtime."""


_log = logging.getLogger(__name__)


def set_up(given: Any) -> Any:
    """The object of a class, or `given` itself, after the first of its set-up methods was called.

    Raises SetUpError, or ModuleNotFoundError as it comes; the traceback is in the log.
    """
    served = _called(given, given.__qualname__) if isinstance(given, type) else given
    for name in SET_UP_METHODS:
        if hasattr(served, name):
            _called(getattr(served, name), f"{type(served).__qualname__}.{name}")
            break
    return served


def _called(function: Any, described: str) -> Any:
    try:
        return function()
    except (Exception, SystemExit) as error:
        _log.error("%s() failed\n%s", described, "".join(traceback.format_exception(error)))
        if isinstance(error, ModuleNotFoundError):
            raise
        raise SetUpError(f"{described}() failed: {type(error).__name__}: {error}") from error
