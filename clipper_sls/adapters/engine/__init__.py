"""The embedded engine's replicas: local processes that talk to the engine as a function talks to AWS Lambda."""

from clipper_sls.adapters.engine.function_pools import FunctionPools
from clipper_sls.adapters.engine.limits import EngineLimits

__all__ = ["EngineLimits", "FunctionPools"]
