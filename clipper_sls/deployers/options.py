"""The keyword arguments that every deployer takes beyond Clipper's."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, get_type_hints

from clipper_sls.domain.serving_options import ServingOptions
from clipper_sls.sdk.serving_arguments import takes_serving_options

P = ParamSpec("P")
R = TypeVar("R")


class VersionOptions(ServingOptions, total=False):
    """Options of a deployed version that Clipper does not have; each may be left out."""

    min_replicas: int | None
    max_replicas: int | None
    warm_up_inputs: Sequence[Any] | None


OF_DEPLOYING = ("min_replicas", "max_replicas", "warm_up_inputs")
"""Those that are no options of serving; None when they are left out."""

_DESCRIPTION = """
`min_replicas` and `max_replicas` let the number of replicas follow the load instead of `num_replicas`.

`warm_up_inputs` are a few inputs whose outputs nobody gets: every replica calls `func` with them, once, before it is
ready, so that no query pays for what `func` does on its first call. They travel with the function.
"""


def takes_version_options(function: Callable[P, R]) -> Callable[P, R]:
    """Show the options that `**options` stands for where people look: in help(), in notebooks, in the reference."""
    kinds = get_type_hints(VersionOptions)
    signature = inspect.signature(function)
    *clippers, rest = signature.parameters.values()
    own = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kinds[name])
        for name in OF_DEPLOYING
    ]
    described: Any = function
    described.__signature__ = signature.replace(parameters=[*clippers, *own, rest])
    described.__doc__ = f"{inspect.getdoc(function) or ''}\n{_DESCRIPTION}"
    return takes_serving_options(function)
