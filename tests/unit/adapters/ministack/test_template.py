import io
import zipfile
from pathlib import Path

import pytest

from clipper_sls.adapters.ministack.template import code_archive, translated
from clipper_sls.errors import InvalidSettingError

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Memory: {Type: Number, Default: 256}
  Window: {Type: Number, Default: 1}
  Colour: {Type: String, Default: red}
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Query:
    Type: AWS::Serverless::Function
    Properties:
      Handler: handlers.query.handler
      Runtime: python3.13
      CodeUri: handlers
      MemorySize: !Ref Memory
      Role: arn:aws:iam::000000000000:role/any
      Environment: {Variables: {MEMORY: !Ref Memory, COLOUR: !Ref Colour}}
      Events:
        Messages:
          Type: SQS
          Properties: {Queue: !GetAtt Queue.Arn, BatchSize: 10, MaximumBatchingWindowInSeconds: !Ref Window}
"""
CODE = {"Bucket": "b", "Key": "k.zip"}


def test_functions_have_their_code_where_it_was_put() -> None:
    resources = translated(TEMPLATE, code=CODE, parameters={}, region="eu-west-1")["Resources"]
    assert resources["Query"]["Type"] == "AWS::Lambda::Function"
    assert resources["Query"]["Properties"]["Code"] == {"S3Bucket": "b", "S3Key": "k.zip"}


def test_numbers_are_numbers_but_for_variables() -> None:
    resources = translated(TEMPLATE, code=CODE, parameters={"Window": "3"}, region="eu-west-1")["Resources"]
    properties = resources["Query"]["Properties"]
    assert resources["QueryMessages"]["Properties"]["MaximumBatchingWindowInSeconds"] == 3
    assert properties["MemorySize"] == 256
    assert properties["Environment"]["Variables"] == {"MEMORY": {"Ref": "Memory"}, "COLOUR": {"Ref": "Colour"}}


def test_what_sam_refuses_is_told() -> None:
    broken = TEMPLATE.replace("      Handler: handlers.query.handler\n", "")
    with pytest.raises(InvalidSettingError, match="Handler"):
        translated(broken, code=CODE, parameters={}, region="eu-west-1")


def test_an_archive_is_the_same_for_the_same_sources(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name / "handlers"
        (folder / "__pycache__").mkdir(parents=True)
        (folder / "query.py").write_text("x = 1\n")
        (folder / "__pycache__" / "query.pyc").write_text(name)
    first, second = (code_archive([tmp_path / name / "handlers"]) for name in ("one", "two"))
    assert first == second
    assert zipfile.ZipFile(io.BytesIO(first)).namelist() == ["handlers/query.py"]
