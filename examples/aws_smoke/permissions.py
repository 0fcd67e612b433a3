"""Who may do what, as IAM decides: requests without a signature, and what the stack's roles are denied."""

from collections.abc import Iterator
from typing import Any

import httpx2
from botocore.exceptions import ClientError

from clipper_sls.domain.identifiers import ModelName
from examples.aws_smoke.report import Finding
from examples.aws_smoke.site import APPLICATION, MODEL, Site

UNSIGNED_QUERY = "a query without a signature is refused"
UNSIGNED_MANAGEMENT = "management without a signature is refused"
ROLES = "roles may do what they must, and nothing else"
DENIED, ALLOWED = "denied", "allowed"


def check_unsigned_requests(site: Site) -> Iterator[Finding]:
    outputs = site.client("cloudformation").describe_stacks(StackName=site.stack)["Stacks"][0]["Outputs"]
    urls = {output["OutputKey"]: output["OutputValue"].rstrip("/") for output in outputs}
    query = httpx2.post(f"{urls['QueryUrl']}/{APPLICATION}/predict", json={"input": [1.0]})
    yield Finding.of(UNSIGNED_QUERY, f"status {query.status_code}", held=query.status_code == 403)
    management = httpx2.post(f"{urls['ManagementUrl']}/admin/get_all_models", json={"verbose": False})
    yield Finding.of(UNSIGNED_MANAGEMENT, f"status {management.status_code}", held=management.status_code == 403)


def check_roles(site: Site) -> Iterator[Finding]:
    """Asks IAM's own simulator."""
    wrong = []
    for role, action, resource, expected in _expectations(site):
        try:
            decided = _decision(site, role, action, resource)
        except ClientError as error:
            decided = f"not known: {error.response['Error']['Code']}"
        if decided != expected:
            wrong.append(f"{role}: {action} is {decided}")
    yield Finding.of(ROLES, "; ".join(wrong) or "as they should", held=not wrong)


def _expectations(site: Site) -> Iterator[tuple[str, str, str, str]]:
    """Role, action, resource, and what IAM must say."""
    account = site.client("sts").get_caller_identity()["Account"]
    names, region = site.names, site.session.region_name
    registry = f"arn:aws:dynamodb:{region}:{account}:table/{names.registry_table}"
    function = f"arn:aws:lambda:{region}:{account}:function:{names.function(ModelName(MODEL))}"
    yield "query", "lambda:InvokeFunction", f"{function}:current", ALLOWED
    yield "query", "dynamodb:GetItem", registry, ALLOWED
    yield "query", "dynamodb:PutItem", registry, DENIED
    yield "query", "lambda:UpdateAlias", function, DENIED
    yield "query", "lambda:InvokeFunction", f"arn:aws:lambda:{region}:{account}:function:another", DENIED
    yield "model", "dynamodb:GetItem", registry, DENIED
    yield "model", "lambda:InvokeFunction", f"{function}:current", DENIED
    yield "management", "lambda:UpdateAlias", function, ALLOWED
    yield "management", "lambda:UpdateAlias", f"arn:aws:lambda:{region}:{account}:function:another", DENIED


def _decision(site: Site, role: str, action: str, resource: str) -> str:
    identity: Any = site.client("iam")
    arn = identity.get_role(RoleName=f"{site.stack}-{role}-{site.session.region_name}")["Role"]["Arn"]
    answer = identity.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource])
    (result,) = answer["EvaluationResults"]
    return ALLOWED if result["EvalDecision"] == "allowed" else DENIED
