"""The names of a stack's resources on AWS.

Whoever makes, finds or may use one has its name from here, or from the template, which a test holds against this.
"""

import hashlib
import re
from dataclasses import dataclass

from clipper_sls.domain.identifiers import ModelId, ModelName, Version, shortened
from clipper_sls.errors import InvalidNameError

MAX_STACK_NAME_LENGTH = 32
MAX_FUNCTION_NAME_LENGTH = 64
_DIGEST_LENGTH = 10
MAX_TAG_LENGTH = 128
_TAG_DIGEST_LENGTH = 12

_STACK_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class StackNames:
    """Names of what belongs to the stack `stack`. Raises InvalidNameError for a name from which not all can be made."""

    stack: str

    def __post_init__(self) -> None:
        if len(self.stack) > MAX_STACK_NAME_LENGTH or not _STACK_NAME.fullmatch(self.stack):
            raise InvalidNameError(
                f"Invalid stack name supplied: {shortened(self.stack)!r}. It must have at most {MAX_STACK_NAME_LENGTH} "
                f"lower case letters, digits and inner dashes, and begin with a letter, for it is part of the names "
                f"of functions, queues and repositories"
            )

    def function(self, model: ModelName) -> str:
        """Of the function that holds all versions of `model`; a name that is too long ends with its digest."""
        name = f"{self.model_functions}{model}"
        if len(name) <= MAX_FUNCTION_NAME_LENGTH:
            return name
        digest = hashlib.sha256(model.encode()).hexdigest()[:_DIGEST_LENGTH]
        return f"{name[: MAX_FUNCTION_NAME_LENGTH - _DIGEST_LENGTH - 1]}-{digest}"

    @property
    def model_functions(self) -> str:
        """How the names of all models' functions begin."""
        return f"{self.stack}-model-"

    @property
    def query_function(self) -> str:
        return f"{self.stack}-query"

    @property
    def management_function(self) -> str:
        return f"{self.stack}-management"

    @property
    def jobs_function(self) -> str:
        return f"{self.stack}-jobs"

    @property
    def warm_up_function(self) -> str:
        return f"{self.stack}-warm-up"

    @property
    def registry_table(self) -> str:
        return f"{self.stack}-registry"

    @property
    def selection_table(self) -> str:
        """Selection state, and the feedback that it is learnt from."""
        return f"{self.stack}-selection"

    @property
    def cache_table(self) -> str:
        return f"{self.stack}-cache"

    @property
    def jobs_table(self) -> str:
        return f"{self.stack}-jobs"

    @property
    def jobs_queue(self) -> str:
        return f"{self.stack}-jobs"

    @property
    def dead_letter_queue(self) -> str:
        return f"{self.stack}-jobs-dead"

    @property
    def image_repository(self) -> str:
        """Of the images of all models; tags are of `image_tag`, and nothing is ever run by its tag."""
        return f"{self.stack}/models"

    def payload_bucket(self, account: str, region: str) -> str:
        """Buckets of everybody share one space of names; 63 characters are allowed, and this has 60 at most."""
        return f"{self.stack}-{account}-{region}"

    def model_role(self, region: str) -> str:
        """Of all models' functions. Roles of an account share one space of names, whatever their region."""
        return f"{self.stack}-model-{region}"


def image_tag(model: ModelId, digest: str) -> str:
    """`<model>-<version>-<the digest's first digits>`: another image has another tag, which ECR lets nobody move."""
    mark = digest.rpartition(":")[2][:_TAG_DIGEST_LENGTH]
    return f"{f'{model.name}-{model.version}'[: MAX_TAG_LENGTH - len(mark) - 1]}-{mark}"


def version_alias(version: Version) -> str:
    """Of one version; AWS takes no alias that is all digits, as most of our versions are."""
    return f"v-{version}"
