"""The Lambda handler. Importing it verifies the bundle, loads the model and warms it up.

A start that fails is an init error. Whoever imported this has nothing left to do for the first time but to ask.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clipper_sls.domain.envelope import unpack_event
from clipper_sls.domain.trust import Trust
from clipper_sls.errors import ModelStartError
from clipper_sls.runtime.bundle_check import verified_manifest
from clipper_sls.runtime.model import Function, load_function
from clipper_sls.runtime.payloads import fetched_rows, fitting
from clipper_sls.runtime.rows import answer
from clipper_sls.runtime.snapshots import prepare_for_snapshots
from clipper_sls.runtime.warm_up import exercise, warm_up


def _loaded(environment: Mapping[str, str]) -> Function:
    try:
        folder, digest = Path(environment["CLIPPER_BUNDLE_PATH"]), environment["CLIPPER_BUNDLE_DIGEST"]
    except KeyError as error:
        raise ModelStartError(f"The environment variable {error} is not set, so no model was loaded") from error
    manifest = verified_manifest(folder, digest, Trust.from_variables(environment))
    function = load_function(folder, manifest)
    exercise()
    warm_up(function, folder, manifest)
    prepare_for_snapshots()
    return function


_function = _loaded(os.environ)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer one batch; event and result are described in `clipper_sls.domain.envelope`."""
    input_type, rows = unpack_event(event, fetched_rows(event, os.environ))
    answers = answer(_function, input_type, rows)
    return fitting({"outputs": answers.outputs, "errors": answers.errors}, event, os.environ)
