"""`clipper-sls dev`: the embedded engine in the foreground, until Ctrl-C or SIGTERM."""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvloop
from rich.console import Console
from rich.logging import RichHandler

from clipper_sls.bootstrap import EmbeddedEngine
from clipper_sls.config import Settings

INTERRUPTED = 130


def run_engine(settings: Settings, *, move_ports: bool, ready_file: Path | None, console: Console) -> int:
    """Run until told to end; returns the exit code. Raises the errors of `EmbeddedEngine.open`."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=console)], force=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, move_ports=move_ports, ready_file=ready_file, console=console))


async def _run(settings: Settings, *, move_ports: bool, ready_file: Path | None, console: Console) -> int:
    ended = asyncio.Event()
    engine = EmbeddedEngine(settings, move_ports=move_ports, on_shutdown=ended.set)
    _on_signals(ended.set)
    try:
        if await _opened(engine, ended):
            if ready_file is not None:
                engine.announce(ready_file)
            console.print(_greeting(engine), highlight=False)
            await ended.wait()
            console.print("Draining: answering what is being asked, then stopping the replicas ...")
    finally:
        await engine.close()
        if ready_file is not None:
            with suppress(OSError):
                await asyncio.to_thread(ready_file.unlink, missing_ok=True)
    return 0


async def _opened(engine: EmbeddedEngine, ended: asyncio.Event) -> bool:
    """Whether the engine got ready before it was told to end."""
    opening = asyncio.create_task(engine.open())
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


def _on_signals(callback: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, callback)


def _greeting(engine: EmbeddedEngine) -> str:
    info = engine.info
    return (
        f"[bold]clipper-sls[/] is ready, cluster [bold]{info.cluster_name}[/]\n"
        f"  query       {info.query}      docs at {info.query}/docs\n"
        f"  management  {info.management}      docs at {info.management}/docs\n"
        f"  state       {info.state_dir}\n"
        "Ctrl-C ends it; what is registered stays."
    )
