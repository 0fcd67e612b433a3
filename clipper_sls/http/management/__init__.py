"""The management application: Clipper's requests and ours."""

from clipper_sls.http.management.app import create_management_app
from clipper_sls.http.management.engine import EngineInfo

__all__ = ["EngineInfo", "create_management_app"]
