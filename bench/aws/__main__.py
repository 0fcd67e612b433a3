"""Prints the processor time of one call, boto3's and ours, measured in turns within the same minute."""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

from bench.aws.callers import aws_client, boto3_calls, entering, our_calls
from bench.aws.predictions import predictions

WARM_UP = 50
AT_ONCE = 16


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.aws", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=300, help="of each kind in each round")
    options = parser.parse_args()
    with subprocess.Popen([sys.executable, "-m", "bench.aws.server"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            _measure(f"http://127.0.0.1:{int(server.stdout.readline())}", options.rounds, options.calls)
        finally:
            server.kill()
    return 0


def _measure(url: str, rounds: int, calls: int) -> None:
    loop = asyncio.new_event_loop()
    client = aws_client(url)
    theirs, ours = boto3_calls(url), our_calls(client)
    print(f"CPU per call in us, median of {rounds} rounds of {calls} calls (and the least)\n")
    print("| | boto3 | ours | of that | ours, 16 at a time |\n| --- | --- | --- | --- | --- |")
    for name, call in ours.items():
        kinds = (theirs[name], entering(loop, call), _at_once(loop, call))
        boto3_us, one_us, many_us = _in_turns(kinds, (1, 1, AT_ONCE), rounds, calls)
        ratio = statistics.median(one_us) / statistics.median(boto3_us)
        print(f"| {name} | {_shown(boto3_us)} | {_shown(one_us)} | {ratio:.2f} | {_shown(many_us)} |", flush=True)
    asked = predictions(url, loop)
    print(
        f"\nThe same of a prediction, from the service to its answer, {sys.version.split()[0]}\n\n| | |\n| --- | --- |"
    )
    for name, used_us in zip(asked, _in_turns(tuple(asked.values()), (1, 1), rounds, calls), strict=True):
        print(f"| {name} | {_shown(used_us)} |", flush=True)
    loop.run_until_complete(client.close())
    loop.close()


def _shown(used_us: list[float]) -> str:
    return f"{statistics.median(used_us):.0f} ({min(used_us):.0f})"


def _at_once(loop: asyncio.AbstractEventLoop, call: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    async def many() -> None:
        await asyncio.gather(*(call() for _ in range(AT_ONCE)))

    return lambda: loop.run_until_complete(many())


def _in_turns(
    kinds: tuple[Callable[[], None], ...], calls_each: tuple[int, ...], rounds: int, calls: int
) -> list[list[float]]:
    """Processor time of this process for one call of each kind, in microseconds, in each round."""
    used: list[list[float]] = [[] for _ in kinds]
    for kind in kinds:
        for _ in range(WARM_UP):
            kind()
    for _ in range(rounds):
        for kind, each, times in zip(kinds, calls_each, used, strict=True):
            began = time.process_time()
            for _ in range(calls // each):
                kind()
            times.append((time.process_time() - began) / (calls // each * each) * 1e6)
    return used


if __name__ == "__main__":
    sys.exit(main())
