"""Requests, written beforehand but for nine digits that make each of them one that was never asked. Pure."""

import json
from collections.abc import Sequence

import msgspec

from bench.workloads import Example

DIGITS = 9
UNIT = 10.0**-DIGITS
_MARK = "0." + "#" * DIGITS


class Request(msgspec.Struct, frozen=True):
    """All bytes of a request before and after its number, and its answer if that number were 0."""

    before: bytes
    after: bytes
    answer: float
    adds_number: bool

    def bytes_of(self, number: int) -> bytes:
        return b"%b%09d%b" % (self.before, number, self.after)

    def answer_of(self, number: int) -> float:
        return self.answer + number * UNIT if self.adds_number else self.answer


def render(path: str, body: str, examples: Sequence[Example]) -> list[Request]:
    """`body` is JSON text in which `%s` stands for the row's numbers, with commas between them."""
    return [_rendered(path, body, example) for example in examples]


def _rendered(path: str, body: str, example: Example) -> Request:
    numbers = ",".join([_MARK, *(json.dumps(value) for value in example.row[1:])])
    content = body.replace("%s", numbers)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    )
    before, after = f"{head}\r\n\r\n{content}".encode().split(b"#" * DIGITS)
    return Request(before, after, example.answer, example.adds_first)
