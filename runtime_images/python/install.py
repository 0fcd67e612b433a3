"""Installs the packages of one layer, inside a build, and compiles them: `install.py LAYER.json`.

The file holds `packages` and `constraints`, as pip takes them; the `target` folder; and `python`, the minor version
that the function was pickled by, or null where any will do.
"""

import json
import subprocess
import sys
from pathlib import Path


def main() -> int:
    layer = json.loads(Path(sys.argv[1]).read_bytes())
    here, base = f"{sys.version_info.major}.{sys.version_info.minor}", Path("/build/base-python").read_text()
    if layer["python"] not in (None, base):
        print(
            f"The base has Python {base}, and the function was pickled by Python {layer['python']}, which no other "
            f"can read. Name a base with Python {layer['python']}",
            file=sys.stderr,
        )
        return 1
    if here != base:
        print(
            f"The packages would be installed by Python {here}, for a base with Python {base}. Name a builder with "
            f"the Python of the base",
            file=sys.stderr,
        )
        return 1
    target = Path(layer["target"])
    target.mkdir(parents=True)
    if not layer["packages"]:
        return 0
    constraints = Path("/build/constraints.txt")
    constraints.write_text("\n".join(layer["constraints"]))
    options = ["--no-compile", "--no-cache-dir", "--disable-pip-version-check", "--root-user-action", "ignore"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target)]
    command += ["--constraint", str(constraints), "--", *layer["packages"]]
    done = subprocess.run(command, check=False)  # noqa: S603 - what the build was asked for
    if done.returncode == 0:
        remove_tests(target)
        compiler = [sys.executable, "-S", "-s", "/build/compile.py", str(target)]
        subprocess.run(compiler, check=True)  # noqa: S603
    return done.returncode


def remove_tests(target: Path) -> None:
    """Of packages' own tests, what runs them and what they read: the rule of `clipper_sls.adapters.oci.wheels`."""
    for path in [*target.rglob("tests/**/test_*.py"), *target.rglob("tests/**/data/**/*")]:
        if path.is_file():
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
