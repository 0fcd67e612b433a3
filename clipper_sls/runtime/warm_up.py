"""What a replica does between loading its function and asking for work, so that no query has to pay for it."""

import json
import logging
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.envelope import pack_event, unpack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import ModelStartError
from clipper_sls.runtime.inputs import unpack
from clipper_sls.runtime.model import Function, missing_module
from clipper_sls.runtime.outputs import as_list, to_json_value
from clipper_sls.runtime.rows import answer, describe

_OUTPUTS: tuple[Any, ...] = ("text", 0.5, 1, True, [0.5], np.float64(0.5), np.zeros(2))
"""One of each kind that models answer most."""

_log = logging.getLogger(__name__)


def exercise() -> None:
    """Take a made-up batch of each type from event to result, past a stand-in: no model is asked anything here."""
    marshaller = LambdaMarshaller()
    for input_type in InputType:
        row = b"1" * 8  # an input of any type
        event = marshaller.unmarshal_request(pack_event(input_type, [row] * len(_OUTPUTS)))
        answers = answer(_stand_in, *unpack_event(event))
        marshaller.marshal_response({"outputs": answers.outputs, "errors": answers.errors})


def _stand_in(inputs: Any) -> Sequence[Any]:
    return _OUTPUTS


def warm_up(function: Function, folder: Path, manifest: Manifest) -> None:
    """Ask `function` for the inputs that its deployer put into the bundle, if any; all of them in one call.

    Raises ModelStartError when it fails; the traceback is in the log.
    """
    if manifest.warm_up_file is None:
        return
    input_type, rows = unpack_event(json.loads((folder / manifest.warm_up_file).read_bytes()))
    try:
        for output in as_list(function(unpack(input_type, rows)), len(rows)):
            to_json_value(output)
    except (Exception, SystemExit) as error:
        _log.error("The warm-up failed\n%s", "".join(traceback.format_exception(error)))
        raise ModelStartError(_story(manifest, error)) from error


def _story(manifest: Manifest, error: BaseException) -> str:
    story = f"Model {manifest.name}:{manifest.version} failed on its warm-up inputs: {describe(error)}"
    if isinstance(error, ModuleNotFoundError):
        return f"{story}. {missing_module(manifest, error)}"
    return f"{story}. Its traceback is in the log"
