"""What botocore signs here is what our own signer, which has another hand, makes of it."""

import datetime
from pathlib import Path

import boto3
import httpx2
import pytest

from clipper_sls.adapters.aws.signing import Credentials, Signer
from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.signed_requests import SignedRequests
from clipper_sls.aws_errors import AwsCredentialsError
from clipper_sls.sdk.http_client import HttpClient

HOST = "abc.execute-api.eu-west-1.amazonaws.com"
KEYS = {"aws_access_key_id": "AKID", "aws_secret_access_key": "secret", "aws_session_token": "session"}


def _sent(auth: httpx2.Auth, method: str, path: str, **content: object) -> httpx2.Request:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200)

    transport = httpx2.MockTransport(answer)
    with httpx2.Client(base_url=f"https://{HOST}", transport=transport, auth=auth) as client:
        client.request(method, path, **content)  # type: ignore[arg-type]
    return seen[0]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/admin/add_app", {"name": "é"}),
        ("GET", "/admin/get_status", None),
        ("POST", "/stage/a%20b/predict", {}),
    ],
)
def test_a_request_is_signed_over_method_path_body_and_time(method: str, path: str, body: object) -> None:
    session = boto3.Session(**KEYS, region_name="eu-west-1")
    request = _sent(SignedRequests(AwsClients(session=session)), method, path, json=body)
    assert request.headers["X-Amz-Security-Token"] == "session"
    authorization = request.headers["Authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKID/")
    assert "/eu-west-1/execute-api/aws4_request" in authorization
    assert authorization == _ours(request)


def _ours(request: httpx2.Request) -> str:
    signed = {"Host": HOST} | (
        {"Content-Type": request.headers["Content-Type"]} if "Content-Type" in request.headers else {}
    )
    moment = datetime.datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
    at = moment.replace(tzinfo=datetime.UTC).timestamp()
    signer = Signer("execute-api", "eu-west-1")
    credentials = Credentials("AKID", "secret", "session")
    path = request.url.raw_path.decode()
    return signer.headers(request.method, path, "", signed, request.content, credentials, at)["Authorization"]


def test_without_credentials_nothing_is_sent_and_the_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    client = HttpClient("http://127.0.0.1:1", auth=SignedRequests(AwsClients("eu-west-1")))
    with pytest.raises(AwsCredentialsError, match="aws configure"):
        client.post("/admin/add_app", {})
