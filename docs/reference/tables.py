"""Makes the tables of the reference from the code: `python docs/reference/tables.py`, or with `--check` compares them.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`. The tables of REST come from the OpenAPI documents of
an engine that is started for it.
"""

import html
import inspect
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import typer.main
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from clipper_sls import ClipperConnection, LambdaContainerManager, LocalContainerManager
from clipper_sls.cli.exit_codes import exit_code_of
from clipper_sls.cli.main import app
from clipper_sls.config import Settings
from clipper_sls.config.model_server import ModelServerSettings
from clipper_sls.deployers import keras, mlflow, onnx, python, pytorch, sklearn, xgboost
from clipper_sls.errors import ClipperError
from clipper_sls.http.error_map import STATUS_OF
from clipper_sls.testing.engine import embedded_engine

FOLDER = Path(__file__).parent
MARKED = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
COMMON_PARAMETERS = {"cluster", "state_dir", "stack", "as_json"}
METHODS = ("get", "post", "put", "delete")
Row = tuple[str, ...]


def settings() -> Iterator[Row]:
    return _settings(Settings)


def server_settings() -> Iterator[Row]:
    return _settings(ModelServerSettings)


def _settings(kind: type[BaseSettings]) -> Iterator[Row]:
    yield "setting", "default", "what"
    for name, field in kind.model_fields.items():
        default = "" if field.default in (None, PydanticUndefined) else f"`{field.default}`"
        yield f"`{name}`", default, html.escape(field.description or "", quote=False)


def errors() -> Iterator[Row]:
    yield "class", "code", "HTTP", "exit", "when"
    yield from _error_and_kinds(ClipperError, depth=0)


def _error_and_kinds(error: type[ClipperError], depth: int) -> Iterator[Row]:
    name = "&nbsp;" * 4 * depth + f"`{error.__name__}`"
    yield name, f"`{error.code}`", str(STATUS_OF[error]), str(exit_code_of(error)), _first_paragraph(error)
    for kind in error.__subclasses__():
        yield from _error_and_kinds(kind, depth + 1)


def cli() -> Iterator[Row]:
    yield "command", "what"
    command: Any = typer.main.get_command(app)
    for name, found in _commands(command):
        own = [parameter for parameter in found.params if parameter.name not in COMMON_PARAMETERS]
        usage = " ".join(["clipper-sls", name, *map(_parameter, own)])
        yield f"`{usage}`", _one_line(found.help or "")


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from _commands(found, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", found


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.name.upper()
        return name if parameter.required else f"[{name}]"
    option: str = max(parameter.opts, key=len)
    value = "" if parameter.is_flag else f" {parameter.name.upper()}"
    return f"{option}{value}" if parameter.required else f"[{option}{value}]"


def connection() -> Iterator[Row]:
    yield "method", "what"
    methods = inspect.getmembers(ClipperConnection, inspect.isfunction)
    for name, method in methods:
        if not name.startswith("_"):
            yield _signature(name, method), _first_paragraph(method)


def manager() -> Iterator[Row]:
    yield "constructor", "what"
    yield _signature("LocalContainerManager", LocalContainerManager.__init__), _first_paragraph(LocalContainerManager)


def aws_manager() -> Iterator[Row]:
    yield "constructor", "what"
    yield (
        _signature("LambdaContainerManager", LambdaContainerManager.__init__),
        _first_paragraph(LambdaContainerManager),
    )


def deployers() -> Iterator[Row]:
    yield "module", "function", "what"
    for module in (python, sklearn, xgboost, onnx, pytorch, keras, mlflow):
        for function in _public_functions(module):
            name = module.__name__.rpartition(".")[2]
            yield f"`{name}`", _signature(function.__name__, function), _first_paragraph(function)


def _public_functions(module: ModuleType) -> list[Callable[..., Any]]:
    functions = [function for name, function in inspect.getmembers(module, inspect.isfunction) if name[0] != "_"]
    return [function for function in functions if function.__module__ == module.__name__]


def _signature(name: str, function: Callable[..., Any]) -> str:
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self"
    ]
    return f"`{name}{inspect.Signature(parameters)}`"


def rest(document: dict[str, Any]) -> Iterator[Row]:
    yield "request", "fields of the body", "what"
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                what = operation.get("description") or operation["summary"]
                yield f"`{method.upper()} {path}`", _fields(document, operation), _one_line(what)


def _fields(document: dict[str, Any], operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return ", ".join(content)
    schema = content["application/json"].get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    return ", ".join(f"`{name}`" if name in required else f"*`{name}`*" for name in schema.get("properties", {}))


def _first_paragraph(documented: Any) -> str:
    return _one_line(inspect.getdoc(documented) or "")


def _one_line(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())


def markdown(rows: Iterator[Row]) -> str:
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def tables() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder, embedded_engine(Path(folder)) as engine:
        documents = {
            name: json.loads(httpx2.get(f"{url}/openapi.json", trust_env=False).raise_for_status().content)
            for name, url in (("query", engine.query), ("management", engine.management))
        }
    made = {name: rest(document) for name, document in documents.items()}
    for make in (settings, server_settings, errors, cli, connection, manager, aws_manager, deployers):
        made[make.__name__] = make()
    return {name: markdown(rows) for name, rows in made.items()}


def main() -> int:
    made = tables()
    stale = []
    for path in sorted(FOLDER.glob("*.md")):
        before = path.read_text()
        after = MARKED.sub(lambda match: f"{match[1]}{made[match[2]]}{match[4]}", before)
        if after != before:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(after)
    if stale and "--check" in sys.argv:
        print(f"{', '.join(stale)}: not what the code says. Run: python docs/reference/tables.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
