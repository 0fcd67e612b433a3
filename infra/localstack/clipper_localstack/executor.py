"""LocalStack's runtime executor: one environment, which is a process that asks for work over the Runtime API."""

import json
import time
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from pathlib import Path
from typing import Any

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from clipper_localstack.launching import launch_of
from clipper_localstack.process import FunctionProcess
from clipper_localstack.runtime_api import Call, RuntimeApi

HOST = "127.0.0.1"
MAX_RESPONSE_BYTES = 6_291_556
MAX_LOG_BYTES = 4096


class ProcessExecutor(RuntimeExecutor):
    """LocalStack calls `start`, `invoke` and `stop` from threads of its own, `invoke` once at a time."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002 - LocalStack's name for it
        super().__init__(id, function_version)
        self._is_ready: Future[None] = Future()
        self._under_way: tuple[str, Future[InvocationResult]] | None = None
        self._api: RuntimeApi | None = None
        self._process: FunctionProcess | None = None
        self._log = Path(config.dirs.tmp) / "functions" / function_version.id.function_name / f"{id}.log"

    def start(self, env_vars: dict[str, Any]) -> None:
        """Returns when the function asks for work. Raises StatusErrorException with what it said instead."""
        told = self.function_version.config
        launch = launch_of(
            image_uri=told.image.image_uri if told.image else None,
            handler=told.handler,
            code_folder=Path(told.code.get_unzipped_code_location()) if told.code else None,
            variables=env_vars,
        )
        self._api = RuntimeApi(self)
        self._process = FunctionProcess(launch, self._api.address, self._log, self._ended)
        self._is_ready.result()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        assert self._api is not None
        assert self._process is not None
        timeout_s, request_id = self.function_version.config.timeout, payload["invoke-id"]
        answer: Future[InvocationResult] = Future()
        self._under_way = request_id, answer
        began_at = self._log_size()
        due_ms = int((time.time() + timeout_s) * 1000)
        arn, trace_id = payload["invoked-function-arn"], payload["trace-id"]
        self._api.calls.put(Call(request_id, arn, trace_id, due_ms, payload["payload"].encode()))
        try:
            result = answer.result(timeout_s)
        except NotInTime:
            self._process.kill()
            message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
            result = _error(request_id, "Sandbox.Timedout", message)
        self._under_way = None
        result.logs = f"START RequestId: {request_id}\n{self._logged(began_at)}END RequestId: {request_id}\n"
        return result

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
        if self._api is not None:
            self._api.close()
        self._is_ready.cancel()

    def get_address(self) -> str:
        return HOST

    def get_endpoint_from_executor(self) -> str:
        return HOST

    def get_runtime_endpoint(self) -> str:
        return f"http://{HOST}:{config.GATEWAY_LISTEN[0].port}/_clipper/{self.id}"

    def get_logs(self) -> str:
        return self._logged(0)

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        pass

    def ready(self) -> None:
        with suppress(InvalidStateError):
            self._is_ready.set_result(None)

    def init_failed(self, error: bytes) -> None:
        with suppress(InvalidStateError):
            self._is_ready.set_exception(StatusErrorException("The function could not be loaded", payload=error))

    def answered(self, request_id: str, payload: bytes, *, is_error: bool) -> None:
        if len(payload) > MAX_RESPONSE_BYTES:
            message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
            result = _error(request_id, "Function.ResponseSizeTooLarge", message)
        else:
            result = InvocationResult(request_id, payload, is_error=is_error, logs=None)
        self._answer(request_id, result)

    def _ended(self, exit_code: int) -> None:
        """The process is gone; if somebody waits for it, in vain."""
        text = json.dumps({"errorType": "Runtime.ExitError", "errorMessage": f"Runtime exited: {exit_code}"})
        self.init_failed(text.encode())
        under_way = self._under_way
        if under_way is not None:
            request_id = under_way[0]
            message = f"RequestId: {request_id} Error: Runtime exited with error: exit status {exit_code}"
            self._answer(request_id, _error(request_id, "Runtime.ExitError", message))

    def _answer(self, request_id: str, result: InvocationResult) -> None:
        under_way = self._under_way
        if under_way is not None and under_way[0] == request_id:
            with suppress(InvalidStateError):
                under_way[1].set_result(result)

    def _log_size(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _logged(self, start: int) -> str:
        with suppress(OSError), self._log.open("rb") as file:
            file.seek(max(start, self._log_size() - MAX_LOG_BYTES))
            return file.read().decode(errors="replace")
        return ""


def _error(request_id: str, error_type: str, message: str) -> InvocationResult:
    body = json.dumps({"errorType": error_type, "errorMessage": message}).encode()
    return InvocationResult(request_id, body, is_error=True, logs=None)
