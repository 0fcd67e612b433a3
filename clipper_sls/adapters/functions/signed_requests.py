"""Requests to an API behind IAM authorisation, signed as AWS wants it (SigV4)."""

from collections.abc import Generator

import httpx2

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.vendor_errors import translated
from clipper_sls.aws_errors import AwsCredentialsError

SERVICE = "execute-api"
SIGNED = ("content-type",)
"""Headers that are signed beside those that always are; others may be changed on the way."""


class SignedRequests(httpx2.Auth):
    """With the credentials that boto3 finds, which are renewed where they expire."""

    requires_request_body = True

    def __init__(self, clients: AwsClients, service: str = SERVICE) -> None:
        self._clients = clients
        self._service = service

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        with translated("take requests to this API"):
            credentials = self._clients.session.get_credentials()
        if credentials is None:
            raise AwsCredentialsError(
                f"There are no credentials to sign the request to {request.url.host} with. Try: aws configure"
            )
        signed = AWSRequest(
            method=request.method,
            url=str(request.url),
            data=request.content,
            headers={name: request.headers[name] for name in SIGNED if name in request.headers},
        )
        SigV4Auth(credentials.get_frozen_credentials(), self._service, self._clients.region or "us-east-1").add_auth(
            signed
        )
        for name, value in signed.headers.items():
            request.headers[name] = value
        yield request
