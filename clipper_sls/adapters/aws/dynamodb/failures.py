"""What goes wrong with a table, in our errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from clipper_sls.adapters.aws.failures import AwsCallError, AwsFailureError
from clipper_sls.errors import StorageFullError, StoreError, StoreUnavailableError

_TOO_LARGE = "Item size"
"""AWS has no code of its own for it: `Item size has exceeded the maximum allowed size`."""


@contextmanager
def translated(table: str) -> Iterator[None]:
    """Raise StoreUnavailableError or StorageFullError for what AWS, or the way to it, does wrong."""
    try:
        yield
    except AwsCallError as error:
        raise _translated(table, error) from error
    except AwsFailureError as error:
        raise StoreUnavailableError(f"The table {table} of DynamoDB cannot be reached: {error}") from error


def _translated(table: str, error: AwsCallError) -> StoreError:
    if error.code == "ResourceNotFoundException":
        return StoreUnavailableError(
            f"There is no table {table} in DynamoDB; is the stack deployed, in this region, under this name?"
        )
    if error.is_denied:
        return StoreUnavailableError(
            f"DynamoDB refuses {error.operation} on the table {table} ({error.code}: {error.message}); see the role's "
            f"permissions, and whether its credentials are still valid"
        )
    if error.is_throttled:
        return StoreUnavailableError(
            f"The table {table} of DynamoDB is asked for more than it gives at a time ({error.code}); try again"
        )
    if error.code == "ValidationException" and _TOO_LARGE in error.message:
        return StorageFullError(f"The table {table} of DynamoDB takes no item so large; nothing of the change was kept")
    return StoreUnavailableError(
        f"{error.operation} on the table {table} of DynamoDB failed with {error.code}: {error.message}"
    )
