"""Signatures are what botocore's are, whatever is signed."""

import calendar
from string import ascii_letters, digits, printable
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clipper_sls.adapters.aws.signing import Credentials, Signer, query_string

WHEN = "20260102T030405Z"
AT = calendar.timegm((2026, 1, 2, 3, 4, 5)) + 0.75

_visible = "".join(sorted(set(printable) - set("\n\r\t\x0b\x0c")))
services = st.sampled_from(["lambda", "dynamodb", "sqs", "s3", "execute-api"])
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE"])
segments = st.one_of(st.sampled_from([".", "..", "", "a b", "v1:2", "ü", "~x", "a+b", "%"]), st.text(max_size=12))
paths = st.lists(segments, max_size=5).map(lambda parts: "/" + "/".join(quote(part, safe="") for part in parts))
keys = st.text(max_size=8).filter(lambda text: text.encode(errors="ignore") == text.encode(errors="replace"))
queries = st.dictionaries(keys.filter(bool), keys, max_size=4)
names = st.text(ascii_letters + digits + "-", min_size=1, max_size=12).map(lambda name: f"x-{name}")
headers = st.dictionaries(names, st.text(_visible, max_size=20), max_size=4)
tokens = st.one_of(st.just(""), st.text(ascii_letters + digits + "/+=", min_size=1, max_size=60))
regions = st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
secrets = st.text(_visible.strip(), min_size=1, max_size=40)


def _request(method: str, path: str, query: str, given_headers: dict[str, str], body: bytes) -> AWSRequest:
    url = f"https://host.example:8443{path}{f'?{query}' if query else ''}"
    request = AWSRequest(method=method, url=url, headers=given_headers, data=body)
    request.context["timestamp"] = WHEN
    return request


def _without_case_twins(given_headers: dict[str, str]) -> bool:
    return len({name.lower() for name in given_headers}) == len(given_headers)


@settings(max_examples=300, deadline=None)
@given(
    services,
    methods,
    paths,
    queries,
    headers.filter(_without_case_twins),
    st.binary(max_size=50),
    tokens,
    regions,
    secrets,
)
@example("lambda", "POST", "/2015-03-31/functions/f/invocations", {"Qualifier": "v-1"}, {}, b"{}", "", "us-east-1", "s")
@example(
    "lambda", "POST", "//a/./b/../c/", {}, {"User-Agent": "x", "x-a": "  two   blanks "}, b"", "t", "us-east-1", "s"
)
def test_headers_are_those_of_botocore(
    service: str,
    method: str,
    path: str,
    query: dict[str, str],
    given_headers: dict[str, str],
    body: bytes,
    token: str,
    region: str,
    secret: str,
) -> None:
    request = _request(method, path, query_string(query), given_headers, body)
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    botocore = kind(BotocoreCredentials("AKID", secret, token or None), service, region)
    botocore._modify_request_before_signing(request)
    text = botocore.string_to_sign(request, botocore.canonical_request(request))
    botocore._inject_signature_to_request(request, botocore.signature(text, request))

    signed = Signer(service, region).headers(
        method,
        path,
        query_string(query),
        {"Host": "host.example:8443", **given_headers},
        body,
        Credentials("AKID", secret, token),
        AT,
    )
    expected = {name.lower(): value for name, value in request.headers.items()}
    assert {name.lower(): value for name, value in signed.items() if name != "Host"} == expected


@settings(max_examples=200, deadline=None)
@given(methods, paths, tokens, regions, secrets, st.integers(1, 604_800))
def test_presigned_urls_are_those_of_botocore(
    method: str, path: str, token: str, region: str, secret: str, expires_s: int
) -> None:
    request = _request(method, path, "", {}, b"")
    botocore = S3SigV4QueryAuth(BotocoreCredentials("AKID", secret, token or None), "s3", region, expires_s)
    botocore._modify_request_before_signing(request)
    text = botocore.string_to_sign(request, botocore.canonical_request(request))
    botocore._inject_signature_to_request(request, botocore.signature(text, request))

    query = Signer("s3", region).presigned_query(
        method, path, "host.example:8443", Credentials("AKID", secret, token), AT, expires_s=expires_s
    )
    expected = request.url.partition("?")[2]
    assert sorted(query.split("&")) == sorted(expected.split("&"))
    assert query.rpartition("&")[2].startswith("X-Amz-Signature=")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [({}, ""), ({"b": "1", "a": "x y/z~"}, "a=x%20y%2Fz~&b=1"), ({"Qualifier": "v-1"}, "Qualifier=v-1")],
)
def test_a_query_is_sent_as_it_is_signed(parameters: dict[str, str], expected: str) -> None:
    assert query_string(parameters) == expected


def test_a_secret_is_not_shown() -> None:
    assert "hush" not in repr(Credentials("AKID", "hush", "hush too"))
