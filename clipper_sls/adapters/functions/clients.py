"""boto3's clients, made when they are first needed: each takes tens of milliseconds."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from clipper_sls.adapters.functions.vendor_errors import translated

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_lambda import LambdaClient

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0
ATTEMPTS = 5


class AwsClients:
    """For one region, None for the one that AWS' own settings name.

    Credentials and endpoints are boto3's to find, unless a `session` and an `endpoint`, one for all services, are
    given. Safe to use from several threads, once made.
    """

    def __init__(
        self, region: str | None = None, *, session: "boto3.Session | None" = None, endpoint: str | None = None
    ) -> None:
        self._region = region
        self._given = session
        self._endpoint = endpoint

    @cached_property
    def session(self) -> "boto3.Session":
        import boto3

        with translated("be asked anything"):
            return self._given or boto3.Session(region_name=self._region)

    @property
    def region(self) -> str | None:
        """Which one it is, if that is said anywhere."""
        return self.session.region_name

    @cached_property
    def functions(self) -> "LambdaClient":
        with translated("be asked about functions"):
            return self.session.client("lambda", endpoint_url=self._endpoint, config=_config())

    def functions_by(self, config: "Config") -> "LambdaClient":
        """`functions` with other limits of time than what is usual."""
        with translated("be asked about functions"):
            return self.session.client("lambda", endpoint_url=self._endpoint, config=config)

    @cached_property
    def stacks(self) -> "CloudFormationClient":
        with translated("be asked about stacks"):
            return self.session.client("cloudformation", endpoint_url=self._endpoint, config=_config())

    @cached_property
    def images(self) -> "ECRClient":
        with translated("be asked about images"):
            return self.session.client("ecr", endpoint_url=self._endpoint, config=_config())

    @cached_property
    def logs(self) -> Any:
        with translated("be asked about logs"):
            return self.session.client("logs", endpoint_url=self._endpoint, config=_config())


def _config() -> "Config":
    """Throttling and passing failures are retried, with jitter."""
    from botocore.config import Config

    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
