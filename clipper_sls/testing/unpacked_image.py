"""An image's files in a folder, and its entry point started there: what an image does, where there is no container."""

import json
import subprocess
import tarfile
import venv
from pathlib import Path
from typing import Any

from clipper_sls.domain.image.model_config import ENTRYPOINT


class UnpackedImage:
    """`layout` is a folder that `image build --output` wrote; its layers are unpacked in `folder`.

    Python is this one, in an environment without any package.
    """

    def __init__(self, layout: Path, folder: Path) -> None:
        self.folder = folder
        venv.create(folder / "venv")
        self._python = folder / "venv/bin/python"
        self._blobs = layout / "blobs/sha256"
        manifest = self._document(json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"])
        for layer in manifest["layers"]:
            with tarfile.open(self._blob(layer["digest"])) as tar:
                tar.extractall(folder, filter="data")
        config = self._document(manifest["config"]["digest"])["config"]
        assert tuple(config["Entrypoint"]) == ENTRYPOINT
        variables = dict(entry.split("=", 1) for entry in config["Env"])
        self.variables = {name: value.replace("/opt/", f"{folder}/opt/") for name, value in variables.items()}

    def start(self, **more: str) -> "subprocess.Popen[str]":
        """The entry point with `more` variables."""
        return subprocess.Popen(  # noqa: S603 - this very interpreter
            [self._python, *ENTRYPOINT[1:]],
            env={**self.variables, **more},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _blob(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")

    def _document(self, digest: str) -> Any:
        return json.loads(self._blob(digest).read_bytes())
