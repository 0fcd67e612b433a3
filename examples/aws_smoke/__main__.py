"""Runs the checks. Exit code 0 when nothing was found that this project says is otherwise, 1 if something was."""

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from examples.aws_smoke import deployment, loads, permissions, routing, starts
from examples.aws_smoke.report import Finding, Report
from examples.aws_smoke.site import Site

CHECKS: list[Callable[[Site], Iterator[Finding]]] = [
    routing.check_first_deployment,
    routing.check_upgrade_and_rollback,
    routing.check_weights,
    loads.check_jobs,
    loads.check_large_payload,
    permissions.check_unsigned_requests,
    permissions.check_roles,
    starts.check_cold_starts,
    starts.check_snap_start,
]
EMULATORS_DIFFER = frozenset({permissions.UNSIGNED_QUERY, permissions.UNSIGNED_MANAGEMENT, permissions.ROLES})
"""Nothing on this machine decides by IAM. docs/architecture/13-aws-on-this-machine.md has the whole list."""


def main() -> int:
    given = _arguments()
    console = Console(stderr=bool(given.json))
    site = Site(given.stack or f"clipper-smoke-{secrets.token_hex(3)}", given.region)
    report = Report(console, EMULATORS_DIFFER if given.emulator else frozenset())
    try:
        if not given.emulator:
            deployment.deploy(site)
        _check_all(site, report)
    except deployment.SamError as error:
        console.print(f"[red]{error}[/]", highlight=False)
        return 1
    finally:
        if not given.emulator and not given.keep:
            report.add(deployment.delete(site))
        elif given.keep:
            console.print(f"The stack {site.stack} is kept: `sam delete --stack-name {site.stack}` deletes it.")
    if given.json:
        Path(given.json).write_text(json.dumps(report.document(), indent=2))
    console.print(report.table())
    return 0 if report.is_good else 1


def _check_all(site: Site, report: Report) -> None:
    """A check that cannot be made to its end is a finding, and the next ones are made."""
    for check in CHECKS:
        name = check.__name__.removeprefix("check_").replace("_", " ")
        try:
            with report.console.status(f"{name} ..."):
                report.add(check(site))
        except Exception as error:  # whatever it is, it is what this program is there to find
            report.add([Finding.of(f"{name} can be checked", f"{type(error).__name__}: {error}", held=False)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make aws-smoke", description=__doc__)
    parser.add_argument("--stack", help="name of the stack; by default one that is new")
    parser.add_argument("--region", help="by default the one of AWS' own settings")
    parser.add_argument("--keep", action="store_true", help="do not delete the stack at the end")
    parser.add_argument("--emulator", action="store_true", help="check a stack that runs on this machine already")
    parser.add_argument("--json", help="write the findings into this file, too", metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
