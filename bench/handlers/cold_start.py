"""Importing the query handler, beside the plain application that it stands for; each in fresh processes, in turns."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

NOTHING = "pass"

PLAIN = """
import boto3
from aws_lambda_powertools import Logger
from fastapi import FastAPI
from mangum import Mangum

app = FastAPI()
logger = Logger(service="plain")
clients = [boto3.client(service, region_name="us-east-1") for service in ("dynamodb", "sqs", "lambda")]

@app.post("/{application}/predict")
async def predict(application: str, body: dict) -> dict:
    return {}

handler = Mangum(app, lifespan="off")
"""

OURS = "import handlers.query"

KINDS = {"an empty process": NOTHING, "plain FastAPI, Mangum, boto3, Powertools": PLAIN, "handlers/query.py": OURS}


def cold_starts(rounds: int) -> Mapping[str, list[float]]:
    """Milliseconds from the start of a process to its end, by kind."""
    took: dict[str, list[float]] = {name: [] for name in KINDS}
    for code in KINDS.values():
        _run(code)  # which leaves bytecode behind
    for _ in range(rounds):
        for name, code in KINDS.items():
            took[name].append(_run(code))
    return took


def ratio(took: Mapping[str, list[float]]) -> float:
    """Of medians, ours by the plain one's; what Python itself takes to start is in neither."""
    empty, plain, ours = (statistics.median(times) for times in took.values())
    return (ours - empty) / (plain - empty)


def _run(code: str) -> float:
    environment = {"CLIPPER_SLS_STACK_NAME": "shop", "AWS_REGION": "us-east-1"}
    environment |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "PATH": os.defpath}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    return (time.perf_counter() - began) * 1000
