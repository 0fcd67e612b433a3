import pytest

from bench.load.answers import Verdict, judge
from bench.load.framing import Response, is_whole, response_of


@pytest.mark.parametrize(
    "body",
    [
        b'{"query_id":3,"output":1.5,"default":false}',
        b'{"output": 1.5}',
        b'{"outputs":[{"name":"output","shape":[1,1],"datatype":"FP64","data":[1.5]}]}',
        b"[1.5]",
        b"1.5",
    ],
)
def test_an_answer_is_found_wherever_a_server_puts_it(body: bytes) -> None:
    assert judge(b"200", body, 1.5).verdict is Verdict.RIGHT


@pytest.mark.parametrize("body", [b'{"output":1.500000001}', b'{"output":null}', b'{"output":true}', b"{}", b"oops"])
def test_anything_else_is_a_wrong_answer(body: bytes) -> None:
    assert judge(b"200", body, 1.5).verdict is Verdict.WRONG


def test_another_order_of_adding_up_is_no_wrong_answer() -> None:
    assert judge(b"200", b'{"output":0.6}', 0.1 + 0.2 + 0.3).verdict is Verdict.RIGHT


def test_a_default_is_no_answer_of_the_model_even_if_it_is_the_same() -> None:
    body = b'{"query_id":1,"output":1.5,"default":true,"default_reason":"timed_out"}'
    assert judge(b"200", body, 1.5) == (Verdict.DEFAULT, "timed_out")


def test_another_status_is_a_failure() -> None:
    assert judge(b"503", b'{"output":1.5}', 1.5).verdict is Verdict.FAILED


RESPONSES = {
    "usual": b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nserver: x\r\n\r\n1.5",
    "capitals": b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 3\r\n\r\n1.5",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1.\r\n1\r\n5\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("received", RESPONSES.values(), ids=RESPONSES)
def test_a_response_is_whole_with_its_last_byte_and_not_before(received: bytes) -> None:
    assert is_whole(received)
    assert not any(is_whole(received[:length]) for length in range(len(received)))
    assert response_of(received) == Response(b"200", b"1.5")


def test_a_response_with_neither_length_nor_chunks_ends_with_its_head() -> None:
    assert is_whole(b"HTTP/1.1 204 No Content\r\n\r\n")
