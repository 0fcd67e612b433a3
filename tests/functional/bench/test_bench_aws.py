"""`python -m bench.aws`, short: everything is measured, and the lean client is what its decision says."""

import re
import subprocess
import sys

import pytest

ROW = re.compile(r"\| (\w+ \w+) \| \d+ \(\d+\) \| \d+ \(\d+\) \| ([\d.]+) \|")
LAST = re.compile(r"handler.*\| cache miss, to Lambda \| \d+ \((\d+)\) \|\n\| cache hit \| \d+ \((\d+)\) \|", re.DOTALL)
"""In microseconds, of the round that was disturbed least."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_call_costs_less_than_half_of_boto3s_and_a_prediction_what_it_may() -> None:
    command = [sys.executable, "-m", "bench.aws", "--rounds", "3", "--calls", "96"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=250).stdout
    ratios = {name: float(ratio) for name, ratio in ROW.findall(printed)}
    assert ratios.keys() == {"lambda Invoke", "dynamodb GetItem", "sqs SendMessage"}
    assert max(ratios.values()) < 0.5
    miss_us, hit_us = LAST.search(printed).groups()
    assert float(miss_us) <= 2000
    assert float(hit_us) <= 700
