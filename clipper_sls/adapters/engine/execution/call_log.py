"""What a function printed during one call, as Lambda gives it to who asks with `LogType=Tail`."""

import asyncio
from pathlib import Path

from clipper_sls.adapters.engine.execution.limits import MIB
from clipper_sls.adapters.engine.launching import RunningReplica
from clipper_sls.domain.functions.hosted import FunctionCall, FunctionOutcome, FunctionVersion
from clipper_sls.ports.clock import Clock

MAX_LOG_BYTES = 4096


class CallLog:
    """Made when the call begins: what is in `path` by then is of earlier ones."""

    def __init__(self, path: Path, call: FunctionCall, function: FunctionVersion, clock: Clock) -> None:
        self._path = path
        self._call = call
        self._function = function
        self._clock = clock
        self._began_at = clock.now()
        self._offset = _size(path)

    async def added_to(self, outcome: FunctionOutcome, process: RunningReplica | None) -> FunctionOutcome:
        took_ms = (self._clock.now() - self._began_at) * 1000
        printed = await asyncio.to_thread(self._printed)
        request_id, used = self._call.request_id, 0 if process is None else process.occupied_bytes() // MIB
        text = (
            f"START RequestId: {request_id} Version: {self._function.number}\n".encode()
            + printed
            + f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {took_ms:.2f} ms\t"
            f"Billed Duration: {int(took_ms) + 1} ms\tMemory Size: {self._function.memory_mib} MB\t"
            f"Max Memory Used: {used} MB\t\n".encode()
        )
        return FunctionOutcome(outcome.payload, outcome.is_error, text[-MAX_LOG_BYTES:])

    def _printed(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(max(self._offset, _size(self._path) - MAX_LOG_BYTES))
                return file.read()
        except OSError:
            return b""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
