"""Calling a predict function on this machine the way a replica would call it, before it is deployed.

Answers what Clipper's `test_predict_function` answers: what the function returned, or a sentence that says why it was
not called.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

import cloudpickle
import msgspec

from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidInputError, MalformedRequestError
from clipper_sls.http.decode import decode_predict
from clipper_sls.runtime.inputs import unpack
from clipper_sls.sdk.packed_inputs import plain

NO_ROWS = "Invalid input type or JSON key"
WRONG_TYPE = "Invalid input type"
NOT_PICKLED = "Function does not properly serialize and reload"

_log = logging.getLogger(__name__)


def call(query: Mapping[str, Any], func: Callable[[Any], Any], input_type: str) -> Any:
    """`query` is the body of a predict request. What `func` raises comes through.

    Raises InvalidSettingError for an unknown `input_type`.
    """
    kind = InputType.parse(input_type)
    if not _has_rows(query, kind):
        return NO_ROWS
    try:
        body = msgspec.json.encode(query, enc_hook=plain)
        rows = decode_predict(kind, body, max_batch_rows=sys.maxsize).rows
    except MalformedRequestError:
        return NO_ROWS
    except (InvalidInputError, NotImplementedError):
        return WRONG_TYPE
    reloaded = _reloaded(func)
    return NOT_PICKLED if reloaded is None else reloaded(unpack(kind, rows))


def _has_rows(query: Mapping[str, Any], kind: InputType) -> bool:
    """Clipper tells what is no row at all from a row of the wrong type."""
    rows = query["input_batch"] if "input_batch" in query else list(query.values())[:1]
    is_batch = hasattr(rows, "__iter__")
    return is_batch and (kind is InputType.JSON or all(hasattr(row, "__iter__") for row in rows))


def _reloaded(func: Callable[[Any], Any]) -> Callable[[Any], Any] | None:
    try:
        return cloudpickle.loads(cloudpickle.dumps(func))  # type: ignore[no-any-return]
    except Exception:  # pickling runs code of whatever the function refers to, which may raise anything
        _log.exception("The function cannot be pickled and loaded again")
        return None
