"""What people write by hand: a FastAPI server that takes and answers the same JSON, with a route for each model."""

from fastapi import FastAPI
from pydantic import BaseModel

from bench.models import FOREST, TOTAL

app = FastAPI()


class Query(BaseModel):
    input: list[float]


class Answer(BaseModel):
    query_id: int
    output: float
    default: bool


@app.post("/noop/predict")
async def predict(query: Query) -> Answer:
    return Answer(query_id=0, output=float(len(query.input)), default=False)


@app.get("/readyz")
async def ready() -> bool:
    return True


@app.post("/total/predict")
async def predict_total(query: Query) -> Answer:
    return Answer(query_id=0, output=TOTAL.function([query.input])[0], default=False)


@app.post("/forest/predict")
def predict_forest(query: Query) -> Answer:
    """Not `async`: FastAPI runs it in a thread, as its documentation advises for what takes its time."""
    return Answer(query_id=0, output=FOREST.function([query.input])[0], default=False)
