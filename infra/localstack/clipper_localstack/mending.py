"""Faults of LocalStack 4.14 that are in the way of our deployments."""

from typing import Any

BY_DIGEST = "@sha256:"


def mend() -> None:
    """To be called once, before there is a function."""
    _mend_update_alias()
    _mend_images_by_digest()


def _mend_update_alias() -> None:
    """UpdateAlias with weights fails there: it calls a method of its own without the alias' version.

    What that one checks against the version, that the two differ, is left out then.
    """
    from localstack.services.lambda_.invocation.lambda_models import AliasRoutingConfig
    from localstack.services.lambda_.provider import LambdaProvider

    original = LambdaProvider._create_routing_config_model

    def routing(self: Any, weights: dict[str, float], function_version: Any = None) -> Any:
        if function_version is None:
            return AliasRoutingConfig(version_weights=dict(weights))
        return original(self, weights, function_version)

    LambdaProvider._create_routing_config_model = routing


def _mend_images_by_digest() -> None:
    """It asks Docker for the digest of an image, which is in the URI, and without Docker shows none that is one."""
    from localstack.services.lambda_ import provider
    from localstack.services.lambda_.invocation import lambda_service
    from localstack.services.lambda_.invocation.lambda_models import ImageCode

    original = lambda_service.create_image_code

    def image_code(image_uri: str) -> ImageCode:
        _, by_digest, digest = image_uri.partition(BY_DIGEST)
        return ImageCode(image_uri, "ECR", digest) if by_digest else original(image_uri)

    def resolved(code: ImageCode) -> str:
        repository = code.image_uri.partition(BY_DIGEST)[0]
        return f"{repository}{BY_DIGEST}{code.code_sha256}"

    lambda_service.create_image_code = provider.create_image_code = image_code
    ImageCode.resolved_image_uri = property(resolved)
