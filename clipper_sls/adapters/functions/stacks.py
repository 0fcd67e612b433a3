"""A deployed stack, by what its template puts out."""

from dataclasses import dataclass

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.vendor_errors import translated
from clipper_sls.aws_errors import AwsResourceAbsentError

GOING = ("DELETE_", "ROLLBACK_")
"""How the status of a stack begins that is being deleted, or could not be made."""


@dataclass(frozen=True, slots=True)
class StackOutputs:
    query_url: str
    management_url: str
    image_repository: str  # without a tag: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/clipper-sls/models"
    model_role: str  # ARN
    log_retention_days: int | None = None  # of what models print; None where the stack does not say


def stack_outputs(clients: AwsClients, stack: str) -> StackOutputs:
    """Raises AwsResourceAbsentError when there is no such stack, or it is none of ours."""
    with translated(f"say where the stack {stack} is"):
        (found,) = clients.stacks.describe_stacks(StackName=stack)["Stacks"]
    if found["StackStatus"].startswith(GOING):
        raise AwsResourceAbsentError(
            f"The stack {stack} is in state {found['StackStatus']}, so there is nothing to connect to. "
            f"Delete it, and deploy it again: sam deploy --guided"
        )
    outputs = {one.get("OutputKey"): one.get("OutputValue", "") for one in found.get("Outputs", [])}
    try:
        return StackOutputs(
            query_url=outputs["QueryUrl"].rstrip("/"),
            management_url=outputs["ManagementUrl"].rstrip("/"),
            image_repository=outputs["ModelRepositoryUri"],
            model_role=outputs["ModelRoleArn"],
            log_retention_days=int(outputs.get("LogRetentionDays") or 0) or None,
        )
    except KeyError as error:
        raise AwsResourceAbsentError(
            f"The stack {stack} has no output {error}, so it is none of clipper-sls, or of another release. Deploy it "
            f"from the template of this release: sam deploy --guided"
        ) from None
