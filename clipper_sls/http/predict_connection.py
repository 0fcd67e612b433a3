"""A connection of uvicorn's on which predictions take the shortest way: no ASGI, no task, one write.

uvicorn's protocol does all that a web server must do. A prediction that arrives in one piece, while nothing else is
under way on its connection, needs none of it: the bytes after its head go to the route, and its answer goes back in one
write. Everything else, whatever it is, goes to uvicorn byte for byte, and to the application behind it.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from clipper_sls.http.answers import JSON, Answer
from clipper_sls.http.error_map import CODE_HEADER
from clipper_sls.http.fast_path import PredictFastPath
from clipper_sls.http.predict import PredictRoute
from clipper_sls.http.request_head import MAX_BYTES, predict_head

MAX_WAITING_BYTES = 65_536
"""Of requests that a client sends before it has got its answer; then nothing more is read."""

_END_OF_HEAD = b"\r\n\r\n"
_CONTENT = b"content-type: %b\r\ncontent-length: %%d\r\n" % JSON.encode()
_CODE = b"%b: %%b\r\n" % CODE_HEADER.lower().encode()
_CLOSE = b"connection: close\r\n"


class PredictConnection(HttpToolsProtocol):
    """For `uvicorn.Config(http=...)`, with a PredictFastPath as the application."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        app = self.config.app
        assert isinstance(app, PredictFastPath)
        self._route: PredictRoute = app.route
        self._is_reading = False  # uvicorn's parser is in the middle of a request
        self._is_answering = False  # a prediction is under way here
        self._is_last = False
        self._waiting = b""
        self._answered_at = 0.0

    def data_received(self, data: bytes) -> None:
        if self._is_answering:
            self._wait(data)
            return
        end = data.find(_END_OF_HEAD, 0, MAX_BYTES) + len(_END_OF_HEAD)
        if end >= len(_END_OF_HEAD) and self._is_at_rest:
            head = predict_head(data[:end])
            if head is not None and len(data) == end + head.body_bytes <= end + self._route.max_body_bytes:
                self._is_answering = True
                if self._route.begin(head.application, data[end:], self._answer):
                    return
                self._is_answering = False
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._is_reading = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._is_reading = False
        super().on_message_complete()

    def shutdown(self) -> None:
        """Answer what is under way, and then close."""
        if self._is_answering:
            self._is_last = True
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """One timer while predictions come and go, and not one for each of them."""
        left_s = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if self._is_answering or left_s > 0:
            self._keep_alive_for(self.timeout_keep_alive if self._is_answering else left_s)
        else:
            super().timeout_keep_alive_handler()

    @property
    def _is_at_rest(self) -> bool:
        """Whether the next byte begins a request, all earlier ones are answered, and the client takes what it gets."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's last request
        return (
            not self._is_reading
            and (cycle is None or cycle.response_complete)
            and not self.flow.write_paused
            and self._route.is_at_hand
        )

    def _wait(self, data: bytes) -> None:
        self._waiting += data
        if len(self._waiting) > MAX_WAITING_BYTES:
            self.flow.pause_reading()

    def _answer(self, answer: Answer) -> None:
        self._is_answering = False
        if self.transport.is_closing():
            return
        self.transport.write(self._response(answer))
        if self._is_last:
            self.transport.close()
            return
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._keep_alive_for(self.timeout_keep_alive)
        if self._waiting:
            waiting, self._waiting = self._waiting, b""
            self.flow.resume_reading()
            self.data_received(waiting)

    def _response(self, answer: Answer) -> bytes:
        parts = [STATUS_LINE[answer.status], *_lines(self.server_state.default_headers)]
        parts.append(_CONTENT % len(answer.body))
        if answer.error_code:
            parts.append(_CODE % answer.error_code.encode())
        if self._is_last:
            parts.append(_CLOSE)
        parts += (b"\r\n", answer.body)
        return b"".join(parts)

    def _keep_alive_for(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)


def _lines(headers: list[tuple[bytes, bytes]]) -> list[bytes]:
    return [b"%b: %b\r\n" % header for header in headers]
