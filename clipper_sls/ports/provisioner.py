"""Functions, published versions and aliases, as AWS Lambda has them."""

from collections.abc import Sequence
from typing import Protocol

from clipper_sls.domain.deployment.content import FunctionContent
from clipper_sls.domain.deployment.observed import Alias, ObservedFunction, Provisioned, WeightedNumber


class Provisioner(Protocol):
    """Changes functions one call at a time; blocks.

    A change that is based on a `revision` is made only if nobody changed the same thing since it was seen; else it
    raises StaleWriteError and changes nothing. Every method may raise the errors of `clipper_sls.aws_errors`; those
    that name a function raise AwsResourceAbsentError when it is not there, if nothing else is said.
    """

    def observe(self, function: str) -> ObservedFunction | None:
        """All of a function at about this moment; None when there is none."""
        ...

    def provisioned(self, function: str, number: str) -> Provisioned | None:
        """What is kept ready for a published version; None when nothing was asked for."""
        ...

    def create(self, function: str, content: FunctionContent) -> None:
        """Returns before it is active. Raises StaleWriteError when it is there already."""
        ...

    def update_code(self, function: str, content: FunctionContent, revision: str) -> None:
        """Image and architecture of what is published next. Raises StaleWriteError while another change goes on."""
        ...

    def update_configuration(self, function: str, content: FunctionContent, revision: str) -> None:
        """The rest of it. Raises StaleWriteError as `update_code`."""
        ...

    def publish(self, function: str, revision: str, code_sha256: str, description: str) -> str:
        """Number of the new published version, or of the newest one if nothing has changed since it was published.

        Whoever needs to know what was published looks at that version: an emulator may let others come between.
        """
        ...

    def alias(self, function: str, name: str) -> Alias | None: ...

    def point_alias(
        self, function: str, name: str, number: str, canary: WeightedNumber | None, revision: str | None
    ) -> None:
        """One call, atomic. `revision` None makes the alias; raises StaleWriteError when it is there already."""
        ...

    def delete_alias(self, function: str, name: str) -> None:
        """Deleting what is not there is no error."""
        ...

    def delete_published(self, function: str, number: str) -> None:
        """Deleting what is not there is no error. Raises StaleWriteError when an alias leads to it."""
        ...

    def delete(self, function: str) -> None:
        """With all published versions and aliases. Deleting what is not there is no error."""
        ...

    def reserve(self, function: str, most: int | None) -> None:
        """Limit the invocations at one time, of all versions together; None removes the limit."""
        ...

    def provision(self, function: str, number: str, count: int) -> None:
        """Keep `count` environments ready; 0 ends it. Returns before they are."""
        ...

    def functions(self, prefix: str) -> Sequence[str]:
        """Names of the functions that begin with `prefix`, in order."""
        ...
