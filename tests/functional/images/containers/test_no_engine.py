"""Where no engine answers, that is said, and what can be done without one."""

import json
import os
import subprocess
import sys
from pathlib import Path


def test_an_engine_that_does_not_answer_is_told_with_what_to_try(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def predict(inputs):\n    return inputs\n")
    model = ("--name", "absent", "--version", "1", "--input-type", "doubles", "--docker", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "clipper_sls", "image", "build", "train:predict", *model],
        cwd=tmp_path,
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/absent.sock"},  # noqa: TID251
        capture_output=True,
        text=True,
    )
    told = json.loads(done.stderr)
    assert (done.returncode, done.stdout, told["code"]) == (1, "", "container_engine_failed")
    assert "The Docker engine could not be found: " in told["error"]
    assert "DOCKER_HOST says which engine is used. Without --docker none is needed" in told["error"]
