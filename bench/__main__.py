"""`make bench`: clipper-sls beside plain FastAPI and beside the limit of what Python can do, in alternating rounds.

Client and servers share the machine, and perhaps others do: only ratios within a round mean something. Ends with 1 when
any answer was another query's.
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.contenders.baselines import LIMIT, PLAIN
from bench.contenders.contender import Contender
from bench.contenders.engine import Engine
from bench.peers.contenders import peers
from bench.peers.environments import FOLDER
from bench.plan import MEASUREMENTS, Plan
from bench.points import Point, summaries, wrong_answers
from bench.report.results import results, write
from bench.report.tables import tables
from bench.run import Turn, turns
from bench.workloads import WORKLOADS
from clipper_sls import ClipperException

OUTPUT = Path(__file__).parent / "results"
WIDTH = 140
"""Of tables that do not go to a terminal."""
FILES = 16_384
"""Open files a process may have: every connection is one, at both ends."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    plan = plan_of(options)
    _allow_many_files()
    progress = Console(stderr=True)
    contenders, missing = _contenders(options)
    for name in missing:
        progress.print(f"Skipped: {name} has no environment in {options.peer_environments}; make bench-peers-setup")
    points, failures = _measure(turns(plan, contenders), progress)
    found = results(plan, points, missing, failures)
    written = write(options.output, found, points)
    if options.json:
        print(json.dumps(found))
    else:
        _print(points)
        progress.print("Written:", *written, sep="\n  ", highlight=False, soft_wrap=True)
    return 1 if wrong_answers(points) or failures else 0


def _contenders(options: argparse.Namespace) -> tuple[list[Contender], list[str]]:
    """And the names of rivals that are not installed."""
    contenders: list[Contender] = [Engine(), PLAIN, LIMIT]
    missing: list[str] = []
    if options.peers:
        found, missing = peers(options.peer_environments)
        contenders.extend(found)
    return [one for one in contenders if not options.servers or one.name in options.servers], missing


def plan_of(options: argparse.Namespace) -> Plan:
    """The defaults, made quick if so asked, with whatever was given in their place."""
    plan = Plan().quick() if options.quick else Plan()
    given = {name: getattr(options, name) for name in ("rounds", "seconds", "seed")}
    given |= {
        name: tuple(values) for name in ("clients", "only", "workloads", "loads") if (values := getattr(options, name))
    }
    plan = replace(plan, **{name: value for name, value in given.items() if value is not None})
    return replace(plan, warm_up_s=min(plan.warm_up_s, plan.seconds))


def parser() -> argparse.ArgumentParser:
    """What one may ask for."""
    options = argparse.ArgumentParser(prog="make bench ARGS=...", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--quick", action="store_true", help="one short round, too short to quote")
    options.add_argument("--rounds", type=int, help="the median of these is reported")
    options.add_argument("--seconds", type=float, help="of a run, of which a round has many")
    options.add_argument("--clients", type=int, nargs="+", help="numbers of clients of a closed loop")
    options.add_argument("--loads", type=float, nargs="+", help="of an open loop, as shares of the capacity")
    options.add_argument("--only", nargs="+", choices=MEASUREMENTS, metavar="NAME", help=", ".join(MEASUREMENTS))
    options.add_argument("--workloads", nargs="+", choices=WORKLOADS, metavar="NAME", help=", ".join(WORKLOADS))
    options.add_argument("--servers", nargs="+", metavar="NAME", help="only these, by their names in the tables")
    options.add_argument("--peers", action="store_true", help="rivals, too, as far as their environments are there")
    options.add_argument("--peer-environments", type=Path, default=FOLDER, help="folder of these; default: %(default)s")
    options.add_argument("--seed", type=int, help="of the arrivals")
    options.add_argument("--output", type=Path, default=OUTPUT, help="folder for results.json and the charts")
    options.add_argument("--json", action="store_true", help="print the results as JSON instead of tables")
    return options


def _measure(todo: Sequence[Turn], console: Console) -> tuple[list[Point], list[str]]:
    """What was measured, and what failed: a server that does not start costs its own turn only."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    points: list[Point] = []
    failures: list[str] = []
    with Progress(*columns, TextColumn("{task.description}"), console=console) as progress:
        task = progress.add_task("", total=len(todo))
        for turn in todo:
            try:
                points.extend(turn(lambda what: progress.update(task, description=what)))  # keeps what came before
            except (OSError, RuntimeError, subprocess.SubprocessError, ClipperException) as error:
                failures.append(f"{progress.tasks[task].description}: {error}")
                progress.console.print(f"Failed: {failures[-1]}", markup=False)
            progress.advance(task)
    return points, failures


def _print(points: Sequence[Point]) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    for table in tables(summaries(points)):
        console.print(table)
    wrong, queries = wrong_answers(points), int(sum(point.figures.get("queries", 0) for point in points))
    console.print(f"{wrong} wrong answers of {queries:,}", style="bold red" if wrong else "bold green")


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (min(FILES, hard) if hard != resource.RLIM_INFINITY else FILES, hard)
        )


if __name__ == "__main__":
    sys.exit(main())
