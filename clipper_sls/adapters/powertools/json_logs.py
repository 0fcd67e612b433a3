"""The log as one JSON object a line, with the request that it is about.

Most invocations log nothing but their metrics, so what formats a line is imported when there is one.
"""

import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter


class JsonLogHandler(logging.Handler):
    """`service` goes into every line, and so does what `about` was told last."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service
        self._about: dict[str, str] = {}
        self._lines: LambdaPowertoolsFormatter | None = None

    def about(self, **keys: str) -> None:
        """From now on: which request, which application."""
        self._about = keys

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self._line(record), file=sys.stdout, flush=True)
        except Exception:
            self.handleError(record)

    def _line(self, record: logging.LogRecord) -> str:
        if self._lines is None:
            from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

            self._lines = LambdaPowertoolsFormatter(service=self._service, log_record_order=["level", "message"])
        self._lines.clear_state()
        self._lines.append_keys(service=self._service, **self._about)
        return self._lines.format(record)


def log_json(service: str, level: str) -> JsonLogHandler:
    """Replaces what handlers the root logger has: Lambda's own writes plain text."""
    handler = JsonLogHandler(service)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # of other packages only what may be wrong
    logging.getLogger("clipper_sls").setLevel(level)
    return handler
