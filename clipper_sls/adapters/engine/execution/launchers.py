"""Starts what a function's code is: a model's bundle, or a Python handler from a zip archive."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clipper_sls.adapters.engine.execution.code_folder import CodeFolder
from clipper_sls.adapters.engine.interpreters import Interpreter, Interpreters
from clipper_sls.adapters.engine.launching import Launcher
from clipper_sls.adapters.engine.lifeline import Lifeline
from clipper_sls.adapters.engine.replica_process import Launch, ReplicaProcess, spawn
from clipper_sls.adapters.engine.runtime_api import RuntimeApi
from clipper_sls.domain.functions.hosted import FunctionVersion, ImageCode, ZipCode
from clipper_sls.errors import InvalidBundleError
from clipper_sls.ports.bundle_store import BundleStore

TETHER = "clipper_sls.runtime.tethered"
RUNTIME_CLIENT = "awslambdaric"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What functions find on this machine in place of AWS."""

    region: str
    variables: Mapping[str, str]  # endpoints and credentials; a function's own win
    host_variables: Mapping[str, str]  # of this machine, such as PATH
    python_path: str | None  # where clipper_sls is, unless it is installed
    memory_mib: int


class FunctionLaunchers:
    """Makes the launcher of each function; all that they start ends with this process."""

    def __init__(
        self,
        *,
        bundles: BundleStore,
        interpreters: Interpreters,
        code: CodeFolder,
        work_folder: Path,
        surroundings: Surroundings,
    ) -> None:
        self._bundles = bundles
        self._interpreters = interpreters
        self._code = code
        self._work_folder = work_folder
        self._surroundings = surroundings
        self._lifeline: Lifeline | None = None

    def launcher(self, function: FunctionVersion) -> Launcher:
        self._lifeline = self._lifeline or Lifeline()
        folder = self._work_folder / function.name / function.number.removeprefix("$")
        common = (function, self._surroundings, folder, self._lifeline.read_fd)
        match function.code:
            case ImageCode() as code:
                return ImageLauncher(code, self._bundles, self._interpreters, *common)
            case ZipCode() as code:
                return ZipLauncher(code, self._code, *common)

    def close(self) -> None:
        """Environments that are still there end themselves."""
        if self._lifeline is not None:
            self._lifeline.cut()
            self._lifeline = None


class ImageLauncher:
    """A model's bundle, which stands for its image: `<folder of bundles>/<digest>`."""

    def __init__(
        self,
        code: ImageCode,
        bundles: BundleStore,
        interpreters: Interpreters,
        function: FunctionVersion,
        surroundings: Surroundings,
        folder: Path,
        lifeline_fd: int,
    ) -> None:
        self._code = code
        self._bundles = bundles
        self._interpreters = interpreters
        self._function = function
        self._surroundings = surroundings
        self._folder = folder
        self._lifeline_fd = lifeline_fd
        self._interpreter: Interpreter | None = None

    async def prepare(self) -> None:
        """See `Launcher.prepare`."""
        if self._interpreter is None:
            self._interpreter = await self._interpreters.interpreter_for(await self._bundles.manifest(self._digest))

    async def spawn(self, api: RuntimeApi, log_fd: int) -> ReplicaProcess:
        """See `Launcher.spawn`."""
        assert self._interpreter is not None
        path = str(self._bundles.path(self._digest))
        variables = {
            **self._interpreter.variables,
            **function_variables(self._function, self._surroundings, path, await api.open(), self._lifeline_fd),
            "CLIPPER_BUNDLE_PATH": path,
            "CLIPPER_BUNDLE_DIGEST": self._digest,
        }
        if self._interpreter.python_path is not None:
            variables["PYTHONPATH"] = self._interpreter.python_path
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        memory_mib = self._surroundings.memory_mib
        return await spawn(
            Launch(self._interpreter.python, variables, self._folder, log_fd, self._lifeline_fd, memory_mib)
        )

    @property
    def _digest(self) -> str:
        digest = self._code.digest
        if digest is None:
            raise InvalidBundleError(
                f"Function {self._function.name} has the image {self._code.uri}, which is not named by a digest, so "
                f"there is no bundle that stands for it here; deploy the model again"
            )
        return digest


class ZipLauncher:
    """A Python handler: the archive's code, with the packages of this interpreter where it brings none."""

    def __init__(
        self,
        code: ZipCode,
        folder_of_code: CodeFolder,
        function: FunctionVersion,
        surroundings: Surroundings,
        folder: Path,
        lifeline_fd: int,
    ) -> None:
        self._code = code
        self._folder_of_code = folder_of_code
        self._function = function
        self._surroundings = surroundings
        self._lifeline_fd = lifeline_fd
        self._path: Path | None = None

    async def prepare(self) -> None:
        """See `Launcher.prepare`: the archive is here, and unpacked."""
        self._path = await self._folder_of_code.unpacked(self._code)

    async def spawn(self, api: RuntimeApi, log_fd: int) -> ReplicaProcess:
        """See `Launcher.spawn`."""
        assert self._path is not None
        ours = function_variables(
            self._function, self._surroundings, str(self._path), await api.open(), self._lifeline_fd
        )
        paths = [str(self._path), *filter(None, [self._surroundings.python_path])]
        variables = {
            **self._surroundings.host_variables,
            **ours,
            "_HANDLER": self._code.handler,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self._code.runtime}",
            "PYTHONPATH": ":".join(paths),
        }
        arguments = ("-m", TETHER, RUNTIME_CLIENT, self._code.handler)
        memory_mib, python = self._surroundings.memory_mib, Path(sys.executable)
        return await spawn(
            Launch(python, variables, self._path, log_fd, self._lifeline_fd, memory_mib, arguments=arguments)
        )


def function_variables(
    function: FunctionVersion, surroundings: Surroundings, root: str, port: int, lifeline_fd: int
) -> dict[str, str]:
    """What Lambda tells a function of itself, its own variables, and where AWS is on this machine. Pure."""
    return {
        **surroundings.variables,
        **function.variables,
        "AWS_REGION": surroundings.region,
        "AWS_DEFAULT_REGION": surroundings.region,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.number,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mib),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"[{function.number}]",
        "LAMBDA_TASK_ROOT": root,
        "CLIPPER_LIFELINE_FD": str(lifeline_fd),
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",  # else the working folder could shadow modules
    }
