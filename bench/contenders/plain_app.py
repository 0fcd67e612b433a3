"""What people write by hand: a FastAPI server that checks and answers the same JSON. No batches, no deadlines."""

from fastapi import FastAPI
from pydantic import BaseModel

from bench.contenders.served import WORKLOAD, load_model
from bench.workloads import NO_OP

app = FastAPI()
model = load_model()


class Query(BaseModel):
    input: list[float]


class Answer(BaseModel):
    output: float


if WORKLOAD is NO_OP:

    @app.post("/predict")
    async def predict(query: Query) -> Answer:
        return Answer(output=model([query.input])[0])

else:

    @app.post("/predict")
    def predict_in_a_thread(query: Query) -> Answer:
        """Not `async`: FastAPI runs it in a thread, as its documentation advises for what takes its time."""
        return Answer(output=model([query.input])[0])


@app.post("/constant")
async def constant(query: Query) -> Answer:
    """No model at all: what the best cache could be compared with."""
    return Answer(output=0.0)
