import itertools
import json

from bench.load.requests import Request, render
from bench.workloads import Example, ten_numbers

FLAT = '{"input":[%s]}'


def _parts(request: bytes) -> tuple[list[bytes], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body


def test_a_request_says_how_long_its_body_is() -> None:
    (request,) = render("/a/predict", FLAT, [Example([0.0, 2.5], 2.5, adds_first=True)])
    head, body = _parts(request.bytes_of(7))
    assert head[0] == b"POST /a/predict HTTP/1.1"
    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body) == {"input": [7e-9, 2.5]}


def test_every_number_makes_another_query_with_an_answer_of_its_own() -> None:
    requests = render("/", FLAT, ten_numbers())
    asked = [(requests[number % len(requests)], number) for number in range(10_000)]
    assert len({request.bytes_of(number) for request, number in asked}) == len(asked)
    answers = sorted(request.answer_of(number) for request, number in asked)
    assert min(after - before for before, after in itertools.pairwise(answers)) > 5e-10


def test_the_expected_answer_is_what_a_model_makes_of_the_bytes() -> None:
    request = render("/", FLAT, ten_numbers())[5]
    _, body = _parts(request.bytes_of(123_456_789))
    assert abs(sum(json.loads(body)["input"]) - request.answer_of(123_456_789)) < 1e-12


def test_a_label_does_not_change_with_the_number() -> None:
    assert Request(b"", b"", 3.0, adds_number=False).answer_of(99) == 3.0


def test_a_body_of_another_form_holds_the_same_numbers() -> None:
    body = '{"inputs":[{"name":"input","shape":[1,2],"datatype":"FP64","data":[%s]}]}'
    (request,) = render("/", body, [Example([0.0, 1.0], 1.0, adds_first=True)])
    assert json.loads(_parts(request.bytes_of(1))[1])["inputs"][0]["data"] == [1e-9, 1.0]
