"""`predict`: ask an application, as a client would."""

import json
import sys
from pathlib import Path
from typing import Any

import typer

from clipper_sls.cli import options
from clipper_sls.cli.output import Output
from clipper_sls.cli.session import connected
from clipper_sls.errors import MalformedRequestError

commands = typer.Typer()


@commands.command()
def predict(
    app: options.AppName,
    value: options.Input,
    batch: options.Batch = False,
    version: options.AskedVersion = None,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Ask an application. Prints the output, or with --batch one output a line."""
    answer = connected(cluster, state_dir).cm.queries.predict(app, query(value, batch, version))
    return show(Output(as_json), answer)


def query(value: str, batch: bool, version: str | None) -> dict[str, Any]:
    """The body of a predict request."""
    return {"input_batch" if batch else "input": given(value), **({"version": version} if version else {})}


def show(out: Output, answer: dict[str, Any]) -> None:
    """The answer to one input, or to a batch."""
    predictions = answer.get("batch_predictions", [answer])
    for prediction in predictions:
        _note_default(out, prediction)
    if out.as_json:
        return out.document(answer)
    return out.lines(json.dumps(prediction["output"], ensure_ascii=False) for prediction in predictions)


def given(value: str) -> Any:
    """An input as it is written on a command line."""
    return parsed(_read(value))


def _read(value: str) -> str:
    if value == "-":
        return sys.stdin.read()
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedRequestError(f"The input could not be read from {value[1:]}: {error}") from error


def parsed(text: str) -> Any:
    """JSON, or else the text itself: nobody likes to quote a string twice."""
    try:
        return json.loads(text)
    except ValueError:
        return text
    except RecursionError as error:
        raise MalformedRequestError("The input is nested too deeply") from error


def _note_default(out: Output, prediction: dict[str, Any]) -> None:
    if prediction["default"]:
        detail = prediction.get("default_detail")
        out.note(f"This is the default output: {prediction['default_explanation']}{f' ({detail})' if detail else ''}")
