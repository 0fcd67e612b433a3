"""Logging in to Amazon ECR."""

import base64

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.vendor_errors import translated


def image_login(clients: AwsClients) -> tuple[str, str]:
    """User name and password for the account's registry, good for 12 hours."""
    with translated("log in to the registry of images"):
        (answer,) = clients.images.get_authorization_token()["authorizationData"]
    username, _, password = base64.b64decode(answer.get("authorizationToken", "")).decode().partition(":")
    return username, password
