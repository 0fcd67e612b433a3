"""AWS's own Lambda Runtime Interface Emulator, which AWS ships inside the wheel of `aws-sam-cli`.

It takes a command to run, sets AWS_LAMBDA_RUNTIME_API for it, and answers `POST` at its own address with what the
runtime answers. Two invocations at a time crash it (1.170.0: a nil pointer), so ask one after the other.
"""

import hashlib
import json
import platform
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import platformdirs

WHEEL = "aws-sam-cli==1.170.0"
_MEMBER = "samcli/local/rapid/aws-lambda-rie-{machine}"
_SHA256 = {
    "x86_64": "6b1e686e62ab2baf5759c412c4864276ef2a88b094fca53ec070637ccba9b9a5",
    "arm64": "ec2e5d09633d853834c008b1ef264bf834b258a94d551d2b2074966494b39a21",
}
_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}
_DOWNLOAD_LIMIT_S = 120
_ANSWER_LIMIT_S = 60
PLACE = "/aws-lambda-rie"
"""Where containers see it."""


class EmulatorError(Exception):
    """The emulator cannot be had."""


@dataclass(frozen=True, slots=True)
class LambdaEmulator:
    """Addresses of one that is to run: where it is asked, and where it serves its runtime."""

    asked_at: str  # "127.0.0.1:9000"
    runtime_api: str

    def command(self, binary: str, runtime: tuple[str, ...]) -> tuple[str, ...]:
        """It listens on all interfaces unless it is told where."""
        asked = ("--runtime-interface-emulator-address", self.asked_at)
        return (binary, "--log-level", "error", *asked, "--runtime-api-address", self.runtime_api, *runtime)

    def ask(self, event: bytes) -> Any:
        """What the function returns, or how it failed. Raises httpx2.ConnectError while nobody listens."""
        url = f"http://{self.asked_at}/2015-03-31/functions/function/invocations"
        return json.loads(httpx2.post(url, content=event, timeout=_ANSWER_LIMIT_S, trust_env=False).content)


def fetch_emulator() -> Path:
    """The executable for this machine, downloaded once and kept among the user's caches, its digest checked each time.

    Raises EmulatorError.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.platform != "linux":
        raise EmulatorError(f"there is no emulator for {sys.platform} on {platform.machine()}")
    path = platformdirs.user_cache_path("clipper-sls") / "testing" / f"aws-lambda-rie-{_SHA256[machine][:16]}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _download(machine, path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256[machine]:
        raise EmulatorError(f"{path} is not the emulator of {WHEEL}; remove it, and it is fetched again")
    return path


def _download(machine: str, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        try:
            done = subprocess.run(  # noqa: S603 - this interpreter
                [*command, "--only-binary", ":all:", "--dest", folder, WHEEL],
                capture_output=True,
                text=True,
                timeout=_DOWNLOAD_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EmulatorError(f"{WHEEL} could not be downloaded within {_DOWNLOAD_LIMIT_S} s") from error
        if done.returncode:
            raise EmulatorError(f"{WHEEL} could not be downloaded: {done.stderr.strip()[-500:]}")
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            part = Path(folder) / "emulator"
            part.write_bytes(archive.read(_MEMBER.format(machine=machine)))
        part.chmod(0o755)
        part.rename(path)
