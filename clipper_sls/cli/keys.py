"""`keys`: whom others have to trust to run what this user deploys."""

from pathlib import Path

import typer

from clipper_sls.cli import options
from clipper_sls.cli.output import Output

group = typer.Typer(no_args_is_help=True, help="The key that signs what you deploy.")


@group.command()
def create(as_json: options.Json = False) -> None:
    """Make the private key, if there is none: what the first deployment does by itself."""
    from clipper_sls.packaging.signing import make_key, own_public_key

    path = _path()
    is_new = own_public_key(path) is None
    key = str(make_key(path))
    note = f"Made the private key {path}" if is_new else f"There is a private key in {path}; nothing to change"
    Output(as_json).done(f"{note}. Its public key is {key}", {"public_key": key, "path": str(path), "changed": is_new})


@group.command()
def show(as_json: options.Json = False) -> None:
    """Print the public key, for CLIPPER_SLS_TRUSTED_KEYS where an engine runs, or CLIPPER_TRUSTED_KEYS of an image."""
    from clipper_sls.errors import AbsentError
    from clipper_sls.packaging.signing import own_public_key

    path, out = _path(), Output(as_json)
    key = own_public_key(path)
    if key is None:
        raise AbsentError(f"There is no signing key in {path} yet. Make one: clipper-sls keys create")
    if as_json:
        return out.document({"public_key": str(key), "path": str(path)})
    return out.lines([str(key)])


def _path() -> Path:
    from clipper_sls.config.settings import Settings

    return Settings.load().signing_key.expanduser()
