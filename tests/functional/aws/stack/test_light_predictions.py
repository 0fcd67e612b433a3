"""A prediction needs neither a web framework nor boto3: what of it a cold start does not import, it never imports."""

import json
import subprocess
import sys

from clipper_sls.testing.stack_function import ROOT
from clipper_sls.testing.stack_resources import StackUnderTest

HEAVY = {"boto3", "botocore.session", "fastapi", "numpy", "pydantic", "starlette", "uvicorn"}

CODE = """
import json, sys
from handlers.query import handler

class Context:
    aws_request_id = "1"
    def get_remaining_time_in_millis(self): return 29_000

told = handler(json.load(sys.stdin), Context())
print(json.dumps([told, sorted(sys.modules)]))
"""


def test_a_prediction_loads_none_of_what_is_heavy(stack: StackUnderTest, http_api_event) -> None:
    event = http_api_event("POST", "/digits/predict", {"input": [1.0, 2.0]})
    ran = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        env=stack.environment,
        input=json.dumps(event),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    told, modules = json.loads(ran.stdout.splitlines()[-1])
    assert json.loads(told["body"])["output"] == 3.0
    assert HEAVY & set(modules) == set()
