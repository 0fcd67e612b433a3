"""The keyword arguments that every method which deploys or registers a version takes beyond Clipper's."""

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, get_type_hints

from clipper_sls.domain.serving_options import DEFAULTS, DESCRIPTIONS, ServingOptions, check_names, serving_from

P = ParamSpec("P")
R = TypeVar("R")

_INTRODUCTION = "Options of serving, which Clipper does not have (docs/serving-options.md):"


def takes_serving_options(function: Callable[P, R]) -> Callable[P, R]:
    """Show the options that `**serving` stands for where people look: in help(), in notebooks, in the reference.

    The function itself stays as it is.
    """
    kinds = get_type_hints(ServingOptions)
    signature = inspect.signature(function)
    own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kinds[name])
        for name, default in DEFAULTS.items()
    ]
    described: Any = function
    described.__signature__ = signature.replace(parameters=[*own, *options])
    lines = [f"    {name}: {DESCRIPTIONS[name]}" for name in DEFAULTS]
    described.__doc__ = "\n\n".join([inspect.getdoc(function) or "", "\n".join([_INTRODUCTION, *lines])])
    return function


def check_serving_options(options: ServingOptions, batch_size: int) -> None:
    """Find what the engine would refuse before a model is packed and sent.

    Raises TypeError for a name that is none, InvalidSettingError for a value or a combination.
    """
    check_names(options)
    serving_from(options, batch_size)
