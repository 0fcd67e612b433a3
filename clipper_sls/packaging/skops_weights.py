"""scikit-learn models as weights beside a function, in skops' format: arrays and names, no code."""

import json
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from clipper_sls.domain.weights import SKOPS_FILE, TRUSTED_TYPES_FILE, WeightsFormat
from clipper_sls.packaging.own_modules import loaded_own_modules
from clipper_sls.packaging.skops_stability import settled
from clipper_sls.packaging.weights import Weights, of_one_object

_log = logging.getLogger(__name__)


def skops_weights(model: Any) -> Weights | None:
    """The model in skops' format; None when it does not survive that, so that it has to be pickled.

    Raises ModuleNotFoundError without skops.
    """
    from skops.io import dumps, get_untrusted_types, loads

    try:
        content = settled(dumps(model))
        trusted = get_untrusted_types(data=content)
        loads(content, trusted=trusted)
    except Exception as error:  # objects raise what they like while they are taken apart and made again
        _log.info("The model is pickled with its function, because skops cannot hold it: %s", error)
        return None
    own = _own_among(trusted)
    if own:
        _log.info("The model is pickled with its function, because these of its parts are your own: %s", ", ".join(own))
        return None
    return of_one_object(model, WeightsFormat.SKOPS, partial(_write, content, trusted), frozenset(trusted))


def _write(content: bytes, trusted: Sequence[str], folder: Path) -> None:
    """The deployer made the model and vouches for its classes; the list is under the digest, as the model is."""
    (folder / SKOPS_FILE).write_bytes(content)
    (folder / TRUSTED_TYPES_FILE).write_text(json.dumps(sorted(trusted)))


def _own_among(names: Sequence[str]) -> list[str]:
    """Those dotted names that lead into the running script or a module of the user's own: no replica has it."""
    modules = tuple(f"{module}." for module in ("__main__", *loaded_own_modules()))
    return [name for name in names if name.startswith(modules)]
