"""Settings of the server in a model's image: `CLIPPER_SERVER_*` variables of the container."""

from collections.abc import Iterable
from typing import Any, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from clipper_sls.config.sentences import sentence
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE
from clipper_sls.domain.serving import Batching
from clipper_sls.errors import InvalidSettingError

MIB = 1024 * 1024
PREFIX = "CLIPPER_SERVER_"


class ModelServerSettings(BaseSettings):
    """Frozen once loaded. Numbers carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    host: str = Field("0.0.0.0", description="address to listen on; all of the container's by default")  # noqa: S104
    port: int = Field(8080, ge=0, le=65535, description="0 picks a free one")
    replicas: int = Field(1, ge=1, le=256, description="processes that run the model; each loads it")
    slo_ms: int = Field(3_000, gt=0, description="latency objective: the default output is answered after it")
    default_output: str = Field("", description="the answer to a query for which there is none in time")
    batch_size: int = Field(ADAPTIVE_BATCH_SIZE, description="inputs per batch; -1 adapts it to the objective")
    batching: Batching = Field(Batching.AIMD, description="who adapts it: `aimd` or `quantile`")
    batch_wait_ms: float = Field(0.0, ge=0, description="an idle replica waits so long for a batch to fill")
    max_body_bytes: int = Field(16 * MIB, gt=0, description="largest body of a query")
    max_batch_rows: int = Field(10_000, gt=0, description="most rows of one query")
    max_queued_rows: int = Field(10_000, gt=0, description="rows that may wait")
    start_timeout_s: float = Field(300.0, gt=0, description="the model must be loaded by then")
    function_timeout_s: float = Field(30.0, gt=0, description="a batch that takes longer gets its replica killed")
    drain_timeout_s: float = Field(10.0, ge=0, description="at the end, wait this long for what is under way")
    memory_mib: int | None = Field(None, gt=0, description="of one replica; default: the container's")

    @classmethod
    def load(cls, names: Iterable[str], **given: Any) -> Self:
        """From the environment, which has variables of these `names`, with `given` on top. Raises InvalidSettingError.

        A name with our prefix that is no setting is an error: it is a misspelt one.
        """
        known = {f"{PREFIX}{name.upper()}" for name in cls.model_fields}
        unknown = sorted(name for name in names if name.startswith(PREFIX) and name not in known)
        if unknown:
            raise InvalidSettingError(f"There is no setting {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        try:
            return cls(**given)
        except ValidationError as error:
            raise InvalidSettingError("; ".join(sentence(detail) for detail in error.errors())) from None
