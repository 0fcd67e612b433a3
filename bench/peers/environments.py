"""`make bench-peers-setup`: makes the environments of the rivals, 0.4 to 0.8 GB each, in some minutes."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PEERS = ("litserve", "mlserver", "bentoml", "ray")
FOLDER = Path(os.environ.get("PEER_ENVIRONMENTS", "~/.cache/peer-bench")).expanduser()
REQUIREMENTS = Path(__file__).parent / "requirements"


def python_of(peer: str, folder: Path = FOLDER) -> Path:
    return folder / peer / "bin" / "python"


def make(peer: str, folder: Path) -> None:
    """With uv, which the development environment has. Raises CalledProcessError; what there is already is kept."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    if not python_of(peer, folder).exists():
        subprocess.run([uv, "venv", "--python", sys.executable, str(folder / peer)], check=True)
    install = [uv, "pip", "install", "--python", str(python_of(peer, folder))]
    subprocess.run([*install, "--requirements", str(REQUIREMENTS / f"{peer}.txt")], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("peers", nargs="*", choices=[[], *PEERS], default=[], help="all of them unless named")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: PEER_ENVIRONMENTS, or %(default)s")
    arguments = parser.parse_args()
    for peer in arguments.peers or PEERS:
        started_at = time.perf_counter()
        make(peer, arguments.folder)
        size = sum(file.lstat().st_size for file in (arguments.folder / peer).rglob("*"))
        print(f"{peer}: {size / 2**20:,.0f} MiB in {time.perf_counter() - started_at:.0f} s")


if __name__ == "__main__":
    main()
