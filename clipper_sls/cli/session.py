"""From a command's options to the cluster that they mean."""

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from clipper_sls.cli import options
from clipper_sls.errors import InvalidSettingError

if TYPE_CHECKING:
    from clipper_sls.config.settings import Settings
    from clipper_sls.domain.deployment.steps import Step
    from clipper_sls.sdk import ClipperConnection, LocalContainerManager

_stack: ContextVar[str | None] = ContextVar("stack", default=None)
"""What the command that is running was given as --stack."""


def takes_stack(command: Callable[..., Any]) -> Callable[..., Any]:
    """`command` with the option --stack, if it is one that asks a cluster: `connected` then finds the stack."""
    signature = inspect.signature(command)
    if "cluster" not in signature.parameters or "stack" in signature.parameters:
        return command

    @wraps(command)
    def taking(*, stack: str | None = None, **given: Any) -> Any:
        _stack.set(stack)
        return command(**given)

    option = inspect.Parameter("stack", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=options.Stack)
    described: Any = taking
    described.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])
    taking.__annotations__ = {**command.__annotations__, "stack": options.Stack}
    return taking


def let_all_take_stack(app: typer.Typer) -> None:
    """Every command of `app` that asks a cluster gets --stack, those of its groups too."""
    for command in app.registered_commands:
        command.callback = takes_stack(command.callback) if command.callback else None
    for group in app.registered_groups:
        if group.typer_instance is not None:
            let_all_take_stack(group.typer_instance)


def container_manager(
    cluster: str | None,
    state_dir: Path | None,
    *,
    keep_state: bool = False,
    query_port: int | None = None,
    management_port: int | None = None,
    isolation: str | None = None,
) -> "LocalContainerManager":
    """The cluster on this machine, running or not. Raises InvalidSettingError, for a stack on AWS too."""
    from clipper_sls.sdk import LocalContainerManager

    settings = _settings(cluster, state_dir, query_port=query_port, management_port=management_port)
    if settings.is_on_aws:
        raise InvalidSettingError(
            f"The stack {settings.stack_name} is on AWS, where nothing is started or stopped from here: `sam deploy` "
            f"makes it, and `sam delete` ends it. For an engine on this machine leave out --stack, and unset "
            f"CLIPPER_SLS_STACK_NAME"
        )
    return LocalContainerManager(
        settings.cluster_name,
        settings.query_port,
        settings.management_port,
        state_dir=settings.state_dir,
        keep_state=keep_state,
        isolation=isolation,
    )


def connected(
    cluster: str | None,
    state_dir: Path | None,
    *,
    on_step: "Callable[[Step], object] | None" = None,
    dry_run: bool = False,
) -> "ClipperConnection":
    """A connection to the running cluster, or to the stack on AWS if one was named. Raises UnconnectedError.

    On AWS `on_step` is told what a deployment does, and with `dry_run` it does nothing. Raises InvalidSettingError for
    that elsewhere, and AwsResourceAbsentError when there is no such stack.
    """
    from clipper_sls.sdk import ClipperConnection, LambdaContainerManager

    settings = _settings(cluster, state_dir)
    if settings.is_on_aws:
        manager = LambdaContainerManager(settings.stack_name, settings.region, on_step=on_step, dry_run=dry_run)
        connection = ClipperConnection(manager)
    elif dry_run:
        raise InvalidSettingError("--dry-run shows what a deployment does on AWS: name the stack with --stack NAME")
    else:
        connection = ClipperConnection(container_manager(cluster, state_dir))
    connection.connect()
    return connection


def _settings(cluster: str | None, state_dir: Path | None, **more: Any) -> "Settings":
    from clipper_sls.config.settings import Settings

    return Settings.load(cluster_name=cluster, state_dir=state_dir, stack_name=_stack.get(), **more)
