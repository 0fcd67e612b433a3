"""A stand-in for AWS, as cheap as can be: it answers each request with what AWS would send, and looks at nothing else.

Runs in a process of its own (`python -m bench.aws.server`), and prints its port.
"""

import asyncio
import json

RESULT = b'{"outputs": [0.25], "errors": []}'
ITEM = json.dumps({"Item": {"key": {"B": "AAECAwQFBgcICQ=="}, "output": {"B": "MC4yNQ=="}, "at": {"N": "1"}}}).encode()
SENT = json.dumps({"MessageId": "5fea7756-0ea4-451a-a703-a558b933e274", "MD5OfMessageBody": "0" * 32}).encode()
_ANSWERS = {
    b"/2015-03-31/": (b"X-Amz-Executed-Version: 7\r\nContent-Type: application/json", RESULT),
    b"DynamoDB_": (b"Content-Type: application/x-amz-json-1.0", ITEM),
    b"AmazonSQS.": (b"Content-Type: application/x-amz-json-1.0", SENT),
}


def _response(head: bytes) -> bytes:
    headers, body = next(answer for part, answer in _ANSWERS.items() if part in head)
    common = b"x-amzn-RequestId: 5fea7756-0ea4-451a-a703-a558b933e274\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT"
    return b"HTTP/1.1 200 OK\r\n%b\r\n%b\r\nContent-Length: %d\r\n\r\n%b" % (headers, common, len(body), body)


class _Connection(asyncio.Protocol):
    """Requests come one after the other, with a Content-Length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._came = b""

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, end, rest = self._came.partition(b"\r\n\r\n")
        if not end:
            return
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:")
        if len(rest) >= length:
            self._came = rest[length:]
            self._transport.write(_response(head))


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
