"""Linking that may be repeated."""

from typing import TYPE_CHECKING

from clipper_sls.errors import LinkExistsError

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
