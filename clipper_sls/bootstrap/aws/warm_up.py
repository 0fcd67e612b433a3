"""The function that keeps the others warm."""

from collections.abc import Mapping
from typing import Any

from clipper_sls.adapters.aws.warming import calls_of, warm_up
from clipper_sls.bootstrap.aws.asking import registry_view
from clipper_sls.bootstrap.aws.function import Event, StackFunction
from clipper_sls.bootstrap.aws.http_function import Handler
from clipper_sls.config.environment import environment


def warm_up_handler(variables: Mapping[str, str] | None = None) -> Handler:
    """From the process's environment unless `variables` are given. Asks nothing yet; raises InvalidSettingError."""
    function = StackFunction(environment() if variables is None else variables)
    view = registry_view(function)

    async def work() -> dict[str, int]:
        calls = calls_of(await view.load(), function.names.query_function)
        at_once = function.settings.warm_up_concurrency
        failed = await warm_up(function.client, calls, at_once=at_once, deadline=function.invocation.ends_at())
        return {"calls": len(calls) * at_once, "failed": failed}

    def handler(event: Event, context: Any) -> dict[str, int]:
        return function.answer(context, lambda: function.run(work()), name="warm-up")

    return handler
