"""template.yaml as CloudFormation gets it: translated by SAM's own translator, offline, its names filled in."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from clipper_sls.domain.functions.names import StackNames

PSEUDO = {
    "AWS::StackName": "shop",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
}
VARIABLE = re.compile(r"\$\{([\w:.]+)\}")

Template = Mapping[str, Any]


@pytest.fixture(scope="session")
def names() -> StackNames:
    return StackNames(PSEUDO["AWS::StackName"])


@pytest.fixture(scope="session")
def sam_template(root: Path) -> Template:
    return yaml_parse((root / "template.yaml").read_text())


@pytest.fixture(scope="session")
def template(root: Path) -> Template:
    """As CloudFormation gets it."""
    source = yaml_parse((root / "template.yaml").read_text())
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://somewhere/code.zip"
    session = boto3.Session(region_name=PSEUDO["AWS::Region"])
    return Translator({}, Parser(), boto_session=session).translate(source, parameter_values={})


@pytest.fixture(scope="session")
def templates(root: Path, template: Template) -> Mapping[str, Template]:
    """All of them, by file."""
    nested = {path.name: yaml_parse(path.read_text()) for path in sorted((root / "infra").glob("*.yaml"))}
    return {"template.yaml": template, **nested}


@pytest.fixture(scope="session")
def named(template: Template) -> Callable[[Any], str]:
    """A name or ARN with stack, region and account filled in, and attributes of resources as `<Resource.Attribute>`."""
    return _named


def _named(value: Any) -> str:
    match value:
        case {"Fn::Sub": str(text)}:
            return VARIABLE.sub(lambda found: PSEUDO.get(found[1], f"<{found[1]}>"), text)
        case {"Ref": name}:
            return PSEUDO.get(name, f"<{name}>")
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
    return str(value)
