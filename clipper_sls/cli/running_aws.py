"""AWS on this machine in the foreground, until Ctrl-C or SIGTERM."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import uvloop
from rich.console import Console
from rich.markup import escape

import clipper_sls
from clipper_sls.cli.running import log_to, on_signals, opened_in_time
from clipper_sls.config import Settings
from clipper_sls.config.aws_region import aws_region
from clipper_sls.errors import EngineStartError, InvalidSettingError

if TYPE_CHECKING:
    from clipper_sls.bootstrap.local_aws import LocalAws, LocalAwsInfo

logger = logging.getLogger(__name__)

TEMPLATE = "template.yaml"
_NEEDED = ("boto3", "ministack", "samtranslator")


@dataclass(frozen=True, slots=True)
class AwsRun:
    """What `dev --aws` was asked, beside settings. With `as_json` standard output is one line: the ready file's."""

    template: Path | None
    parameters: Sequence[str]  # "KEY=VALUE"
    move_ports: bool
    ready_file: Path | None
    as_json: bool


def run_aws(settings: Settings, run: AwsRun) -> int:
    """Run until told to end; returns the exit code. Raises the errors of `LocalAws.open`."""
    check_packages()
    template = readable(run.template) if run.template is not None else found_template()
    from clipper_sls.bootstrap.local_aws import LocalAws, StackChoice

    console = Console(stderr=True)
    log_to(console)
    choice = StackChoice(template.resolve(), assignments(run.parameters))
    aws = LocalAws(settings, choice, region=aws_region(), move_ports=run.move_ports)

    def greet() -> None:
        print(msgspec.json.encode(aws.info).decode(), flush=True) if run.as_json else _greet(console, aws.info)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(aws, run.ready_file, greet))


def check_packages(names: Sequence[str] = _NEEDED) -> None:
    """Raises InvalidSettingError, with what to install, when a package is missing."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise InvalidSettingError(
            f"AWS on this machine needs the package {missing[0]!r}. Try: pip install 'clipper-sls[aws-local]'"
        )


def readable(template: Path) -> Path:
    """Itself. Raises InvalidSettingError when it is no file."""
    if not template.is_file():
        raise InvalidSettingError(f"The template {template} cannot be read: there is no such file")
    return template


def found_template() -> Path:
    """Here, or in the checkout that this is. Raises InvalidSettingError."""
    here, checkout = Path(TEMPLATE), Path(clipper_sls.__file__).parent.parent / TEMPLATE
    for path in (here, checkout):
        if path.is_file():
            return path
    raise InvalidSettingError(
        f"There is no {TEMPLATE} here. It is in clipper-sls' repository: run this there, or name it with --template"
    )


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """Raises InvalidSettingError."""
    parts = [text.partition("=") for text in texts]
    for name, separator, _ in parts:
        if not (name and separator):
            raise InvalidSettingError(f"{name!r} is no parameter of the template: it has the form KEY=VALUE")
    return {name: value for name, _, value in parts}


async def _run(aws: "LocalAws", ready_file: Path | None, greet: Callable[[], None]) -> int:
    ended = asyncio.Event()
    on_signals(ended.set)
    try:
        if await opened_in_time(aws.open(), ended):
            if ready_file is not None:
                aws.announce(ready_file)
            greet()
            await _end(aws, ended)
            logger.info("Draining: answering what is being asked, then stopping the functions and MiniStack ...")
    finally:
        await aws.close()
        if ready_file is not None:
            with suppress(OSError):
                await asyncio.to_thread(ready_file.unlink, missing_ok=True)
    return 0


async def _end(aws: "LocalAws", ended: asyncio.Event) -> None:
    """Return when somebody asks for the end. Raises EngineStartError when MiniStack ends by itself."""
    told, failed = asyncio.create_task(ended.wait()), asyncio.create_task(aws.failed())
    await asyncio.wait({told, failed}, return_when=asyncio.FIRST_COMPLETED)
    for task in (told, failed):
        task.cancel()
    if not ended.is_set():
        raise EngineStartError(f"MiniStack has ended by itself; its log is below {aws.info.state_dir}")


def _greet(console: Console, info: "LocalAwsInfo") -> None:
    variables = " ".join(f"{name}={value}" for name, value in info.environment.items())
    text = (
        f"[bold]AWS on this machine[/] is ready, with the stack [bold]{info.stack}[/]\n"
        f"  predict     {info.query}/<application>/predict\n"
        f"  management  {info.management}      signed requests only\n"
        f"  AWS         {info.endpoint}\n"
        f"  state       {escape(info.state_dir)}\n"
        f"For other shells:\n  export {escape(variables)}\n"
        "Ctrl-C ends it; what the stack holds is gone then."
    )
    console.print(text, highlight=False, soft_wrap=True)
