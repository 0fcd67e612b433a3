"""Whom an engine trusts: its own user, whoever its settings name, and with one of them everybody."""

from clipper_sls.config import Settings
from clipper_sls.domain.trust import Trust, parse_keys
from clipper_sls.packaging.signing import own_public_key


def trust(settings: Settings) -> Trust:
    """As of now: the user's key may be made after the engine was started. Raises InvalidSettingError."""
    own = own_public_key(settings.signing_key.expanduser())
    return Trust((*(() if own is None else (own,)), *parse_keys(settings.trusted_keys)), settings.allow_unsigned)
