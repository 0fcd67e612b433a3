"""`python -m bench.aws`, short: everything is measured, and the lean client is what its decision says."""

import re
import subprocess
import sys

import pytest

ROW = re.compile(r"\| (\w+ \w+) \| \d+ \(\d+\) \| \d+ \(\d+\) \| ([\d.]+) \|")


@pytest.mark.slow
def test_a_call_costs_less_than_half_of_boto3s() -> None:
    command = [sys.executable, "-m", "bench.aws", "--rounds", "5", "--calls", "160"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100).stdout
    ratios = {name: float(ratio) for name, ratio in ROW.findall(printed)}
    assert ratios.keys() == {"lambda Invoke", "dynamodb GetItem", "sqs SendMessage"}
    assert max(ratios.values()) < 0.5
    assert "cache hit" in printed
