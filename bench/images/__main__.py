"""Prints one line for each figure, beside what it should be at most; progress goes to standard error."""

import argparse
import os
import sys
from itertools import chain

from bench.images.building import building, size
from bench.images.figures import HEAD
from bench.images.pushing import pushing
from bench.images.stage import set_up
from bench.images.starting import starting
from clipper_sls.testing.docker_engine import docker_answers
from clipper_sls.testing.docker_registry import BINARY, find_docker_registry


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.images", description="What images of models cost.")
    parser.add_argument("--rounds", type=int, default=3, help="of building; starting has five times as many")
    parser.add_argument("--only", choices=["starting", "building", "pushing"], help="one of them")
    options = parser.parse_args()
    if not docker_answers() or find_docker_registry() is None:
        print(f"Needed are a Docker engine that answers and {BINARY} on PATH", file=sys.stderr)
        return 2
    print(HEAD)
    with set_up(lambda text: print(text, file=sys.stderr, flush=True), os.environ.update) as stage:
        measurements = {
            "starting": starting(stage, 5 * options.rounds),
            "building": chain(building(stage, options.rounds), size(stage)),
            "pushing": pushing(stage),
        }
        for name, figures in measurements.items():
            if options.only in (None, name):
                for figure in figures:
                    print(figure.row(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
