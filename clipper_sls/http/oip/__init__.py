"""The Open Inference Protocol, version 2, over REST, with KServe's binary tensor extension.

request bytes -> messages (JSON and binary parts) -> tensors -> rows (packed for the model)
row results   -> outputs (one tensor)             -> messages -> response bytes
"""

from clipper_sls.http.oip.infer import InferEndpoint
from clipper_sls.http.oip.routes import infer_router, oip_router

__all__ = ["InferEndpoint", "infer_router", "oip_router"]
