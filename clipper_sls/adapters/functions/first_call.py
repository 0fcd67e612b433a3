"""A version that is about to be registered is called once, so that one that cannot load its model never answers."""

import base64
from typing import TYPE_CHECKING

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.results import read_failure

if TYPE_CHECKING:
    from botocore.config import Config

LIMIT_S = 15.0
"""API Gateway waits for 30 s, and there is more to do. Who needs longer to load is not held back for that."""

LOG_CHARACTERS = 2_000
"""Of its end; AWS hands out 4 kB."""

NO_ROWS = pack_event(InputType.JSON, ())


class FirstCall:
    """Blocks, for `limit_s` at most."""

    def __init__(self, clients: AwsClients, *, limit_s: float = LIMIT_S) -> None:
        self._clients = clients
        self._limit_s = limit_s

    def __call__(self, function: str, alias: str) -> str | None:
        """What went wrong, with the end of its log. None: nothing, or nobody knows by then.

        No row is asked for: the environment that takes the call loads the model, and that is all. Not known is also
        what has nothing to do with the model, as a call that was throttled.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        functions = self._clients.functions_by(self._config())
        try:
            answer = functions.invoke(FunctionName=function, Qualifier=alias, LogType="Tail", Payload=NO_ROWS)
        except (BotoCoreError, ClientError):
            return None
        if not answer.get("FunctionError"):
            return None
        log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")[-LOG_CHARACTERS:]
        why = read_failure(answer["Payload"].read())
        return f"{why}\nThe end of its log:\n{log}" if log else why

    def _config(self) -> "Config":
        from botocore.config import Config

        return Config(connect_timeout=self._limit_s, read_timeout=self._limit_s, retries={"total_max_attempts": 1})
