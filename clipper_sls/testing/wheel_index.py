"""A folder of wheels, served over HTTP to pip: builds in containers see no folder of this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_POLL_S = 0.01


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def only_wheels_over_http(folder: Path) -> Iterator[dict[str, str]]:
    """Variables with which pip finds the wheels in `folder` while the block lasts, and asks nobody else."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,))
        thread.start()
        try:
            yield {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"http://127.0.0.1:{server.server_address[1]}/"}
        finally:
            server.shutdown()
            thread.join()
