"""How fast a Python server with its model in another process can be at all: raw ASGI, a typed decoder, batches.

It leaves out everything that makes a prediction server: no routes, no checks beyond the decoder's, no deadlines, no
defaults, no metrics, no versions, no care for a process that dies. It is a yardstick, not a server to use.
"""

import asyncio
from typing import Any

import msgspec

from bench.contenders.limit_batcher import Batcher


class Query(msgspec.Struct):
    input: list[float]


class Answer(msgspec.Struct):
    output: float


_decode = msgspec.json.Decoder(Query).decode
_encode = msgspec.json.Encoder().encode
_JSON = (b"content-type", b"application/json")
_batcher: Batcher


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    message = await receive()
    content = message["body"]
    while message.get("more_body"):
        message = await receive()
        content += message["body"]
    answered: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    _batcher.submit(_decode(content).input, answered)
    body = _encode(Answer(await answered))
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Any, send: Any) -> None:
    global _batcher
    await receive()
    _batcher = await Batcher.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    _batcher.close()
    await send({"type": "lifespan.shutdown.complete"})
