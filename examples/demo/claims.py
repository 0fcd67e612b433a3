"""What the demo claims, with what it measured; a claim that does not hold makes the demo fail."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Claim:
    name: str
    measured: str
    held: bool


@dataclass(slots=True)
class Claims:
    """Prints each claim when it is checked, and keeps it for the summary."""

    console: Console
    checked: list[Claim] = field(default_factory=list)

    def check(self, name: str, measured: str, held: bool) -> None:
        claim = Claim(name, measured, held)
        self.checked.append(claim)
        self.console.print(f"  {_mark(claim)} {escape(name)}: [bold]{escape(measured)}[/]", highlight=False)

    @property
    def all_held(self) -> bool:
        return bool(self.checked) and all(claim.held for claim in self.checked)

    def summary(self) -> Table:
        table = Table(title="What was claimed, and what was measured", title_justify="left")
        table.add_column("")
        table.add_column("claim")
        table.add_column("measured")
        for claim in self.checked:
            table.add_row(_mark(claim), escape(claim.name), escape(claim.measured))
        return table


def _mark(claim: Claim) -> str:
    return "[green]✓[/]" if claim.held else "[red]✗[/]"
