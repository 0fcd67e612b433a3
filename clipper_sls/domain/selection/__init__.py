"""Which of an application's models a query goes to."""

from clipper_sls.domain.selection.single import Chance, choose, drawn

__all__ = ["Chance", "choose", "drawn"]
