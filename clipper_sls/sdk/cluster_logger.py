"""Log lines that begin with the name of the cluster, as Clipper's did."""

import logging
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter


class ClusterAdapter(_Adapter):
    """Puts `[cluster_name]` before every message."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        extra = self.extra or {}
        return f"[{extra['cluster_name']}] {msg}", kwargs


def cluster_logger(name: str, cluster_name: str) -> ClusterAdapter:
    return ClusterAdapter(logging.getLogger(name), {"cluster_name": cluster_name})
