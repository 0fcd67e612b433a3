"""What a pool says when it does not even try."""

from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.query import DefaultReason, Unanswered


def given_up(model: ModelId, last_error: str | None) -> Unanswered:
    return Unanswered(DefaultReason.NO_REPLICA, f"model {model} keeps failing: {last_error}")


def not_hosted(model: ModelId) -> Unanswered:
    return Unanswered(DefaultReason.NO_REPLICA, f"model {model} is not hosted")


def off(model: ModelId) -> Unanswered:
    return Unanswered(DefaultReason.NO_REPLICA, f"model {model} is scaled to 0 replicas")


def stopped(model: ModelId) -> Unanswered:
    return Unanswered(DefaultReason.NO_REPLICA, f"model {model} is being stopped")


def too_late(wait_s: float, budget_s: float) -> Unanswered:
    detail = f"the answer would take about {wait_s * 1000:,.0f} ms, and is due in {budget_s * 1000:,.0f}"
    return Unanswered(DefaultReason.OVERLOADED, detail)


def overloaded(queued_rows: int) -> Unanswered:
    return Unanswered(DefaultReason.OVERLOADED, f"{queued_rows} rows are waiting already")
