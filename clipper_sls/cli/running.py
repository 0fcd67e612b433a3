"""The embedded engine in the foreground, until Ctrl-C or SIGTERM."""

import asyncio
import json
import logging
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape

from clipper_sls.bootstrap.engine import EmbeddedEngine
from clipper_sls.bootstrap.garbage import spare_the_garbage_collector
from clipper_sls.config import Settings
from clipper_sls.http.management import EngineInfo

logger = logging.getLogger(__name__)

Greet = Callable[[EngineInfo], None]


def run_engine(settings: Settings, *, move_ports: bool, ready_file: Path | None, as_json: bool) -> int:
    """Run until told to end; returns the exit code. Raises the errors of `EmbeddedEngine.open`.

    With `as_json` standard output is one line, printed when the engine is ready: the ready file's content.
    """
    console = Console(stderr=True)
    greet = _print_json if as_json else partial(_greet, console)
    log_to(console)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, move_ports=move_ports, ready_file=ready_file, greet=greet))


async def _run(settings: Settings, *, move_ports: bool, ready_file: Path | None, greet: Greet) -> int:
    ended = asyncio.Event()
    engine = EmbeddedEngine(settings, move_ports=move_ports, on_shutdown=ended.set)
    on_signals(ended.set)
    try:
        if await opened_in_time(engine.open(), ended):
            if ready_file is not None:
                engine.announce(ready_file)
            spare_the_garbage_collector()
            greet(engine.info)
            await ended.wait()
            logger.info("Draining: answering what is being asked, then stopping the replicas ...")
    finally:
        await engine.close()
        if ready_file is not None:
            with suppress(OSError):
                await asyncio.to_thread(ready_file.unlink, missing_ok=True)
    return 0


def log_to(console: Console) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=console)], force=True)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of every request to an image registry


async def opened_in_time(work: Coroutine[Any, Any, None], ended: asyncio.Event) -> bool:
    """Whether `work` was done before somebody asked for the end."""
    opening = asyncio.create_task(work)
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait({opening, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not opening.done():
        opening.cancel()
        with suppress(asyncio.CancelledError):
            await opening
        return False
    opening.result()
    return True


def on_signals(callback: Callable[[], object]) -> None:
    """Call `callback` instead of ending at Ctrl-C and SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, callback)


def _greet(console: Console, info: EngineInfo) -> None:
    text = (
        f"[bold]clipper-sls[/] is ready, cluster [bold]{info.cluster_name}[/]\n"
        f"  query       {info.query}      docs at {info.query}/docs\n"
        f"  management  {info.management}      docs at {info.management}/docs\n"
        f"  state       {escape(info.state_dir)}\n"
        "Ctrl-C ends it; what is registered stays."
    )
    console.print(text, highlight=False, soft_wrap=True)


def _print_json(info: EngineInfo) -> None:
    print(json.dumps({"query": info.query, "management": info.management, "pid": info.pid}), flush=True)
