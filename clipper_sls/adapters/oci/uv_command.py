"""uv, asked for packages of a platform that need not be this one."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uv

from clipper_sls.domain.identifiers import shortened
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.image_errors import ImageBuildError

_OUTPUT_LINES = 15
_OWN_PREFIX = "CLIPPER_SLS_"  # our settings are no business of uv's


@dataclass(frozen=True, slots=True)
class Uv:
    """`python` is a version, "3.11"; `timeout_s` bounds each call.

    Methods raise ImageBuildError with the end of uv's output.
    """

    platform: Platform
    python: str
    timeout_s: float

    def resolved(self, packages: Sequence[str], constraints: Sequence[str], scratch: Path) -> str:
        """`packages` and all that they need, each with its version and the digests of its files, as requirements.

        `constraints` are pins, of which nothing is wanted for its own sake.
        """
        wanted, settled = _written(scratch, "wanted", packages), _written(scratch, "constraints", constraints)
        options = (
            "--generate-hashes",
            "--no-header",
            "--no-annotate",
            "--no-strip-extras",
            "--constraint",
            str(settled),
        )
        return self._run(("compile", *options, str(wanted)), packages)

    def lock(self, requirements: str, folder: Path) -> str:
        """The same as a lock (`pylock.toml`, PEP 751): it tells wheels of a release from each other."""
        wanted = _written(folder.parent, f"{folder.name}.requirements", (requirements,))
        return self._run(("compile", "--format", "pylock.toml", "--no-deps", "--no-header", str(wanted)), ())

    def install(self, requirements: str, folder: Path) -> None:
        """Put what `resolved` returned into `folder`, and nothing else."""
        folder.mkdir(parents=True)
        wanted = _written(folder.parent, f"{folder.name}.requirements", (requirements,))
        options = ("--target", str(folder), "--no-deps", "--require-hashes", "--link-mode", "copy")
        self._run(("install", *options, "--requirement", str(wanted)), requirements.split())

    def _run(self, arguments: Sequence[str], packages: Sequence[str]) -> str:
        what = f"Python {self.python} on {self.platform} with {shortened(', '.join(packages), 300)}"
        operation, *rest = arguments
        target = ("--python-platform", self.platform.wheel_platform, "--python-version", self.python)
        command = ("pip", operation, "--quiet", "--python", sys.executable, *target, "--only-binary", ":all:", *rest)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_PREFIX)}
        try:
            result = subprocess.run(  # noqa: S603 - uv's own path
                [uv.find_uv_bin(), *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ImageBuildError(
                f"Fetching the packages of {what} took longer than {self.timeout_s:g} s and was given up. Try again, "
                f"since what was downloaded is kept; or raise CLIPPER_SLS_ENVIRONMENT_TIMEOUT_S."
            ) from error
        except OSError as error:  # uv's own FileNotFoundError included
            raise ImageBuildError(
                f"The tool 'uv', which fetches packages, cannot be started: {error}. Try: pip install uv"
            ) from error
        if result.returncode:
            raise ImageBuildError(_failed(what, result.stderr))
        return result.stdout.decode()


def _failed(what: str, output: bytes) -> str:
    end = "\n".join(output.decode(errors="replace").strip().splitlines()[-_OUTPUT_LINES:])
    return (
        f"There are no packages for {what}. Nothing is compiled here, so each needs a wheel for that platform. "
        f"Check their names and versions, and that the index can be reached (UV_DEFAULT_INDEX sets another). "
        f"uv says:\n{end}"
    )


def _written(folder: Path, name: str, lines: Sequence[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
