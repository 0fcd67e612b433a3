"""One line of the result."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`ours` and `theirs` in `unit`; what is compared, their ratio or their difference, should be `at_most`."""

    name: str
    unit: str
    ours: float
    theirs: float
    compared: float
    at_most: float

    def row(self) -> str:
        verdict = "" if self.compared <= self.at_most else "  MORE THAN WANTED"
        return (
            f"{self.name:<68} {self.ours:>9.3f} {self.theirs:>9.3f} {self.unit:<3} "
            f"{self.compared:>8.3f}  at most {self.at_most:g}{verdict}"
        )


HEAD = f"{'':<68} {'ours':>9} {'theirs':>9} {'':<3} {'compared':>8}"
