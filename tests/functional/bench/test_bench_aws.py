"""`python -m bench.aws`, short: everything is measured. How fast is not tested."""

import re
import subprocess
import sys

import pytest

ROW = re.compile(r"\| (\w+ \w+) \| \d+ \(\d+\) \| \d+ \(\d+\) \| ([\d.]+) \|")
LAST = re.compile(r"\| cache miss, to Lambda \| \d+ \((\d+)\) \|\n\| cache hit \| \d+ \((\d+)\) \|")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_calls_and_predictions_are_measured() -> None:
    command = [sys.executable, "-m", "bench.aws", "--rounds", "3", "--calls", "96"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=250).stdout
    assert {name for name, _ in ROW.findall(printed)} == {"lambda Invoke", "dynamodb GetItem", "sqs SendMessage"}
    assert LAST.search(printed)
