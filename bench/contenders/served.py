"""Which model a server's process is to serve. Standard library only: rivals' environments have no more."""

import os
from pathlib import Path

from bench.workloads import WORKLOADS, Model

WORKLOAD = WORKLOADS[os.environ["BENCH_WORKLOAD"]]


def load_model() -> Model:
    return WORKLOAD.load(Path(os.environ["BENCH_FOLDER"]))
