"""Who is asking: on Lambda the environment says so, elsewhere what botocore finds, of a profile, a role, a machine."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from clipper_sls.adapters.aws.failures import AwsNoCredentialsError
from clipper_sls.adapters.aws.signing import Credentials
from clipper_sls.ports.clock import Clock

CredentialsProvider = Callable[[], Credentials]
"""Does not wait, but for the first time. Raises AwsNoCredentialsError."""

LOOK_AGAIN_S = 60.0
"""How often credentials that may expire are looked at; botocore renews them a quarter of an hour before they do."""


def credentials_of(environment: Mapping[str, str], clock: Clock) -> CredentialsProvider:
    """Those of the environment where it has any; with SnapStart it has none, and who gives them out is asked."""
    access_key, secret_key = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        known = Credentials(access_key, secret_key, environment.get("AWS_SESSION_TOKEN", ""))
        return lambda: known
    return BotocoreCredentials(clock=clock)


class BotocoreCredentials:
    """A provider over botocore's chain, which is imported when it is asked for the first time.

    Looking again may mean a request, so it is done by a thread, and until then the old ones serve.
    """

    def __init__(self, *, clock: Clock, find: Callable[[], Any] | None = None) -> None:
        self._clock = clock
        self._find = find or _of_botocore
        self._source: Any = None  # botocore.credentials.Credentials
        self._known: Credentials | None = None
        self._looked_at = 0.0
        self._looking: threading.Thread | None = None

    def __call__(self) -> Credentials:
        if self._known is None:
            return self._look()
        if self._clock.now() - self._looked_at > LOOK_AGAIN_S and not (self._looking and self._looking.is_alive()):
            self._looked_at = self._clock.now()
            self._looking = threading.Thread(target=self._look_again, name="AWS credentials", daemon=True)
            self._looking.start()
        return self._known

    def _look(self) -> Credentials:
        self._looked_at = self._clock.now()
        try:
            self._source = self._source or self._find()
            frozen = self._source.get_frozen_credentials()
        except Exception as error:  # of any of botocore's many providers
            raise AwsNoCredentialsError(
                "credentials", "look-up", f"{type(error).__name__}: {error}", was_done=False
            ) from error
        self._known = Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")
        return self._known

    def _look_again(self) -> None:
        try:
            self._look()
        except AwsNoCredentialsError:
            return  # the old ones serve as long as AWS takes them


def _of_botocore() -> Any:
    import botocore.session

    found = botocore.session.get_session().get_credentials()
    if found is None:
        raise LookupError(
            "There are no AWS credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run "
            "where a role is given"
        )
    return found
