"""What was checked, what was seen, and whether that is what this project says of AWS."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Verdict(StrEnum):
    HELD = "held"
    FAILED = "failed"
    NOTED = "noted"
    """Measured; nothing was promised."""
    UNLIKE_AWS = "unlike AWS"
    """On an emulator, which is known to differ there."""


_MARKS = {
    Verdict.HELD: "[green]✓[/]",
    Verdict.FAILED: "[red]✗[/]",
    Verdict.NOTED: "[blue]i[/]",
    Verdict.UNLIKE_AWS: "[yellow]~[/]",
}


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    seen: str
    verdict: Verdict

    @classmethod
    def of(cls, name: str, seen: str, *, held: bool) -> "Finding":
        return cls(name, seen, Verdict.HELD if held else Verdict.FAILED)


@dataclass(slots=True)
class Report:
    """Prints each finding when it is made. `differences` are names of checks in which an emulator may fail."""

    console: Console
    differences: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)

    def add(self, found: Iterable[Finding]) -> None:
        for finding in found:
            is_known = finding.verdict is Verdict.FAILED and finding.name in self.differences
            kept = Finding(finding.name, finding.seen, Verdict.UNLIKE_AWS) if is_known else finding
            self.findings.append(kept)
            line = f"  {_MARKS[kept.verdict]} {escape(kept.name)}: [bold]{escape(kept.seen)}[/]"
            self.console.print(line, highlight=False)

    @property
    def is_good(self) -> bool:
        return bool(self.findings) and all(finding.verdict is not Verdict.FAILED for finding in self.findings)

    def table(self) -> Table:
        table = Table(title="What was asked of AWS, and what it said", title_justify="left")
        for column in ("", "check", "seen"):
            table.add_column(column)
        for finding in self.findings:
            table.add_row(_MARKS[finding.verdict], escape(finding.name), escape(finding.seen))
        return table

    def document(self) -> list[dict[str, Any]]:
        return [asdict(finding) for finding in self.findings]
