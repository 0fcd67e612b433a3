"""Where a service answers: AWS's own hosts, or what AWS_ENDPOINT_URL names instead."""

from collections.abc import Mapping

from clipper_sls.domain.endpoint import Endpoint

_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}
"""By how a region's name begins; of all others it is amazonaws.com, those of the US government included."""


class Endpoints:
    """`environment` is that of the process: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_LAMBDA and so on count as for all SDKs.

    Raises InvalidSettingError for a URL that is none.
    """

    def __init__(self, region: str, environment: Mapping[str, str]) -> None:
        self.region = region
        is_ignored = environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"
        self._environment = {} if is_ignored else environment
        begin = next((begin for begin in _SUFFIXES if region.startswith(begin)), "")
        self._suffix = _SUFFIXES.get(begin, "amazonaws.com")
        self._known: dict[str, Endpoint] = {}

    def of(self, service: str) -> Endpoint:
        """Of "lambda", "s3", "dynamodb", "sqs" ..."""
        known = self._known.get(service)
        if known is None:
            known = Endpoint.parse(self._named(service) or f"https://{service}.{self.region}.{self._suffix}")
            self._known[service] = known
        return known

    def of_bucket(self, bucket: str) -> Endpoint:
        """Where S3 has the objects of `bucket`, below a path or at a host of its own, as S3 wants it for new buckets.

        A name with a dot is no host that S3's certificate is for.
        """
        s3 = self.of("s3")
        if self._named("s3") or "." in bucket:
            return Endpoint(f"{s3.url}/{bucket}")
        return Endpoint(s3.url.replace("https://", f"https://{bucket}.", 1))

    def _named(self, service: str) -> str | None:
        name = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
        return self._environment.get(name) or self._environment.get("AWS_ENDPOINT_URL")
