"""Packages that only some deployers need, and what to say where one is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from clipper_sls.errors import InvalidSettingError


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """While it lasts, a module that is not there is an InvalidSettingError with the command that installs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InvalidSettingError(
            f"This deployer needs the module {error.name!r}, which is not installed here: "
            f"pip install 'clipper-sls[{extra}]'"
        ) from error
