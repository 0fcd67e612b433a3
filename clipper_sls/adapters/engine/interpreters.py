"""The Python that runs a model version, and what it finds when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from clipper_sls.domain.bundle import Manifest


@dataclass(frozen=True, slots=True)
class Interpreter:
    python: Path
    python_path: str | None = None  # PYTHONPATH; None when it finds clipper_sls and the packages without
    variables: Mapping[str, str] = field(default_factory=dict)  # what else of the host may pass


class Interpreters(Protocol):
    """Knows, or makes, the interpreter of each version."""

    async def interpreter_for(self, manifest: Manifest) -> Interpreter:
        """One with all that the version needs. Raises EnvironmentBuildError."""
        ...
