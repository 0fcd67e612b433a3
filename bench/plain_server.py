"""What people write by hand: a FastAPI server with one route that takes and answers the same JSON, and no model."""

from fastapi import FastAPI
from pydantic import BaseModel

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
