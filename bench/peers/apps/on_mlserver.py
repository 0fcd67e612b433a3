"""MLServer's own kind of model; batching is in the settings that `bench.peers.contenders` writes."""

from typing import Any

import mlserver
import numpy as np
from mlserver.codecs import NumpyCodec

from bench.contenders.served import load_model


class Model(mlserver.MLModel):
    async def load(self) -> bool:
        self.model = load_model()
        return True

    async def predict(self, payload: Any) -> Any:
        rows = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        outputs = np.asarray(self.model(rows)).reshape(-1, 1)
        output = NumpyCodec.encode_output("output", outputs)
        return mlserver.types.InferenceResponse(model_name=self.name, outputs=[output])
