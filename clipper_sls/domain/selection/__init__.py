"""Which of an application's models a query goes to."""

from clipper_sls.domain.selection.single import choose

__all__ = ["choose"]
