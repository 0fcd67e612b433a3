"""Prints each figure beside what it should be at most."""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from bench.handlers.cold_start import cold_starts, ratio
from bench.handlers.predictions import predictions

MOST_RATIO = 0.25
MOST_US = {"cache miss": 2_000, "cache hit": 700}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.handlers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=50, help="predictions of each kind in each round")
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, medians of {options.rounds} rounds (and the least)\n")
    print("| | figure | at most |\n| --- | --- | --- |")
    took = cold_starts(options.rounds)
    for name, times in took.items():
        print(f"| {name}, ms | {statistics.median(times):.0f} ({min(times):.0f}) | |")
    print(f"| import of the query handler, of the plain application's | {ratio(took):.2f} | {MOST_RATIO} |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        used = predictions(Path(folder), options.rounds, options.calls)
    for name, times in used.items():
        print(f"| {name}, us of processor time | {statistics.median(times):.0f} ({min(times):.0f}) | {MOST_US[name]} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
