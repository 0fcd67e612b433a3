"""The stack's template as CloudFormation takes it, without SAM's command line: SAM's own translator, in this process.

MiniStack could translate, too, but does so without the values of parameters.
"""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.errors import InvalidSettingError

SERVERLESS_FUNCTION = "AWS::Serverless::Function"
_FIRST_YEAR = (1980, 1, 1, 0, 0, 0)
_SKIPPED = "__pycache__"


def translated(template: str, *, code: Mapping[str, str], parameters: Mapping[str, str], region: str) -> dict[str, Any]:
    """`template` without its Transform; every function of it has its code in `code`: `Bucket` and `Key`.

    Raises InvalidSettingError for a template that SAM does not take.
    """
    document: dict[str, Any] = yaml_parse(template)
    for resource in document["Resources"].values():
        if resource["Type"] == SERVERLESS_FUNCTION:
            resource["Properties"]["CodeUri"] = dict(code)
    session = any_session(region)
    translator = Translator({}, Parser(), boto_session=session)
    try:
        result: dict[str, Any] = translator.translate(document, dict(parameters))
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise InvalidSettingError(f"SAM does not take the template: {causes}") from error
    numbers = _numbers(result.get("Parameters", {}), parameters)
    result["Resources"] = _with_numbers(result["Resources"], numbers)
    return result


def _numbers(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, int]:
    """The values of those parameters that are numbers; only whole ones are in use."""
    chosen = {name: given.get(name, told.get("Default")) for name, told in declared.items() if told["Type"] == "Number"}
    return {name: int(value) for name, value in chosen.items() if value is not None}


def _with_numbers(part: Any, numbers: Mapping[str, int]) -> Any:
    """`part` with numbers in place of references to them: CloudFormation knows where one is wanted, MiniStack does not.

    Variables are text.
    """
    match part:
        case {"Ref": str(name)} if name in numbers:
            return numbers[name]
        case dict():
            return {key: value if key == "Variables" else _with_numbers(value, numbers) for key, value in part.items()}
        case list():
            return [_with_numbers(value, numbers) for value in part]
        case _:
            return part


def code_archive(folders: Iterable[Path]) -> bytes:
    """A zip archive with each folder under its own name; the same bytes for the same sources."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for folder in folders:
            for path in sorted(path for path in folder.rglob("*") if path.is_file() and _SKIPPED not in path.parts):
                entry = zipfile.ZipInfo(path.relative_to(folder.parent).as_posix(), _FIRST_YEAR)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()
