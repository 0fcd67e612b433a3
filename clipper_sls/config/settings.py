"""Every setting of the engine, the CLI and the SDK, with its default.

Precedence: flags, then `CLIPPER_SLS_*` variables, then `clipper.toml`, then `[tool.clipper-sls]` in `pyproject.toml`
(both in the working directory), then the defaults below.
"""

from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    PyprojectTomlConfigSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from clipper_sls.config.cache_url import check_cache_url
from clipper_sls.config.sentences import sentence
from clipper_sls.domain.trust import parse_keys
from clipper_sls.errors import InvalidSettingError

MIB = 1024 * 1024
SECRETS = frozenset({"management_token", "cache_url"})
"""Not shown, not even where they are wrong."""


class Isolation(StrEnum):
    """What keeps replicas apart from each other and from the machine."""

    PROCESS = "process"
    CONTAINER = "container"


class Settings(BaseSettings):
    """Frozen once loaded. Numbers carry their unit in the name."""

    model_config = SettingsConfigDict(
        env_prefix="CLIPPER_SLS_",
        toml_file="clipper.toml",
        pyproject_toml_table_header=("tool", "clipper-sls"),
        extra="forbid",
        frozen=True,
    )

    cluster_name: str = Field("default-cluster", pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)
    state_root: Path = Field(default_factory=lambda: platformdirs.user_state_path("clipper-sls"))
    state_dir: Path | None = Field(None, description="holds one engine's state; default: <state_root>/<cluster_name>")

    host: str = Field("127.0.0.1", description="address to listen on; anything but loopback needs a bearer token")
    query_port: int = Field(1337, ge=0, le=65535, description="0 picks a free one")
    management_port: int = Field(1338, ge=0, le=65535, description="0 picks a free one")
    management_url: str | None = Field(None, description="an engine elsewhere, to which the SDK and the CLI connect")
    query_url: str | None = Field(None, description="the same engine's predict URLs; default: those that it names")
    management_token: SecretStr | None = None

    stack_name: str = Field(
        "clipper-sls",
        description="of the stack on AWS, and of the one on this machine; commands talk to it where it is set",
    )
    region: str | None = Field(None, description="of AWS; default: the one that AWS's own settings name")
    aws_port: int = Field(4566, ge=0, le=65535, description="of AWS on this machine (`dev --aws`); 0 picks a free one")
    image_folder: Path | None = Field(
        None, description="bundles that stand for images where AWS is this machine; default: below the state directory"
    )

    signing_key: Path = Field(
        default_factory=lambda: platformdirs.user_config_path("clipper-sls") / "signing-key.pem",
        description="private key that signs what is deployed; made when it is first needed",
    )
    trusted_keys: str = Field(
        "", description="public keys of others whose bundles the engine runs, with blanks or commas between them"
    )
    allow_unsigned: bool = Field(False, description="run bundles whoever made them")
    code_revision: str | None = Field(
        None, description="state of the code that is deployed, for its signature; default: the commit that git names"
    )

    frontends: int = Field(
        1, ge=1, le=256, description="processes that answer queries, on machines with cores for them"
    )
    cache_size_bytes: int = Field(
        32 * MIB, ge=0, description="prediction cache in each process that answers queries; 0 switches it off"
    )
    cache_url: SecretStr | None = Field(
        None,
        description="a second one: `redis://`, `rediss://` or `unix://` with its password, or `dynamodb://TABLE`",
    )
    cache_timeout_ms: float = Field(20, gt=0, le=60_000, description="a query waits no longer for that one")
    max_body_bytes: int = Field(16 * MIB, gt=0, description="largest body of a query")
    max_batch_rows: int = Field(10_000, gt=0, description="most rows of one `input_batch`")
    max_bundle_bytes: int = Field(4096 * MIB, gt=0, description="largest bundle")
    max_image_bytes: int = Field(
        10240 * MIB, gt=0, description="largest image, compressed; AWS Lambda takes as much, unpacked"
    )
    max_queued_rows: int = Field(10_000, gt=0, description="rows that may wait for one model version")
    model_slo_ms: int = Field(
        3_000, gt=0, description="latency objective of requests that name a model, not an application"
    )

    job_expiry_s: float = Field(3_600.0, gt=0, description="a job that nobody has come to by then is not done")
    job_result_ttl_s: float = Field(86_400.0, gt=0, description="the result of a job can be read for so long")
    job_max_tries: int = Field(5, ge=1, le=1_000, description="then a job that no replica answers is given up")
    job_concurrency: int = Field(
        2, ge=0, le=256, description="so many times ten jobs are worked on at one time; 0: they only wait"
    )

    isolation: Isolation = Field(
        Isolation.PROCESS,
        description="what replicas are: `process`, or `container`, for which a Docker engine is needed",
    )
    container_network: str = Field("none", description="network of such containers, one of the Docker engine's")
    container_base: str | None = Field(
        None, description="image that their environments are built on; default: `python:3.x-slim`"
    )
    start_timeout_s: float = Field(60.0, gt=0, description="a replica must be ready by then")
    function_timeout_s: float = Field(30.0, gt=0, description="a batch that takes longer gets its replica killed")
    function_architecture: str = Field("x86_64", description="of functions on AWS Lambda: `x86_64` or `arm64`")
    function_environment: dict[str, str] = Field(
        default_factory=dict, description="environment variables of functions on AWS Lambda, as a JSON object"
    )
    snap_start: bool = Field(False, description="start functions on AWS Lambda from a snapshot")
    environment_timeout_s: float = Field(600.0, gt=0, description="building a version's own environment")
    idle_limit_s: float = Field(300.0, gt=0, description="unused replicas above the minimum stop after this")
    drain_timeout_s: float = Field(10.0, ge=0, description="at the end, wait this long for running batches")
    max_replicas: int = Field(64, gt=0, description="most replicas of one model version")
    replica_memory_mib: int = Field(
        2048, gt=0, description="a replica that uses more is killed; on AWS Lambda a function's memory"
    )
    replica_log_bytes: int = Field(10 * MIB, gt=0, description="a replica's log is cut to its newest half above this")

    @field_validator("cache_url")
    @classmethod
    def _leads_to_a_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_cache_url(url.get_secret_value())
        return url

    @field_validator("trusted_keys")
    @classmethod
    def _are_public_keys(cls, keys: str) -> str:
        try:
            parse_keys(keys)
        except InvalidSettingError as error:
            raise ValueError(error.msg) from None
        return keys

    @classmethod
    def load(cls, **flags: Any) -> Self:
        """Settings with `flags` on top; a flag that is None counts as not given. Raises InvalidSettingError."""
        try:
            return cls(**{name: value for name, value in flags.items() if value is not None})
        except ValidationError as error:
            raise InvalidSettingError("; ".join(sentence(detail, SECRETS) for detail in error.errors())) from None

    @property
    def is_on_aws(self) -> bool:
        """Whether somebody named a stack, so that commands go there."""
        return "stack_name" in self.model_fields_set

    @property
    def state_path(self) -> Path:
        """The folder that holds this cluster's state."""
        return (self.state_dir or self.state_root / self.cluster_name).expanduser().resolve()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, clipper.toml, pyproject.toml; no .env and no secrets folder."""
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls),
            PyprojectTomlConfigSettingsSource(settings_cls),
        )
