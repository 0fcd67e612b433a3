"""Linking that may be repeated."""

from typing import TYPE_CHECKING

from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import IncompatibleInputTypeError, LinkExistsError

if TYPE_CHECKING:
    from clipper_sls.sdk import ClipperConnection


def link_unless_linked(connection: "ClipperConnection", app: str, model: str) -> bool:
    """Whether the link is new. Raises LinkExistsError when `app` is linked to another model."""
    management = connection.cm.management
    try:
        management.add_model_links(app, [model])
    except LinkExistsError:
        if model not in management.get_linked_models(app):
            raise
        return False
    return True


def require_linkable(connection: "ClipperConnection", app: str, model: str, input_type: str) -> None:
    """Ask before `model` is registered, so that nothing is where its link would be refused.

    Raises UnknownApplicationError, LinkExistsError, IncompatibleInputTypeError and InvalidSettingError.
    """
    linked = connection.cm.management.get_linked_models(app)
    if linked and linked != [model]:
        raise LinkExistsError(
            f"Application '{app}' is linked to the model '{linked[0]}' already, and nothing was registered. "
            f"Unlink it first: `clipper-sls unlink {app} {linked[0]}`"
        )
    wanted = connection.cm.management.get_application(app)["input_type"]
    if InputType.parse(input_type) != wanted:
        raise IncompatibleInputTypeError(
            f"Application '{app}' takes {wanted}, not {input_type}, and nothing was registered. "
            f"Use another application, or --input-type {wanted}"
        )
