"""The query function, asked in every way that AWS has."""

from clipper_sls.testing.stack_function import StackFunctionUnderTest


def test_a_prediction_comes_whatever_stands_in_front(ask, front) -> None:
    answer = ask("POST", "/digits/predict", {"input": [1.0, 2.5]}, front=front)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert (answer.json()["output"], answer.json()["default"]) == (3.5, False)


def test_what_fastapi_answers_comes_whatever_stands_in_front(ask, front) -> None:
    assert ask("GET", "/readyz", front=front).json() == {"ready": True, "unwell": {}}


def test_a_batch_has_an_answer_for_each_row(ask) -> None:
    answer = ask("POST", "/digits/predict", {"input_batch": [[1.0], [2.0], [3.0, 4.0]]})
    assert [one["output"] for one in answer.json()["batch_predictions"]] == [1.0, 2.0, 7.0]


def test_an_unknown_application_is_404_with_its_code(ask) -> None:
    answer = ask("POST", "/nobody/predict", {"input": [1.0]})
    assert (answer.status, answer.headers["x-clipper-error-code"]) == (404, "not_served")


def test_a_model_is_asked_by_the_open_inference_protocol(ask) -> None:
    tensor = {"name": "input", "datatype": "FP64", "shape": [1, 2], "data": [1.0, 2.0]}
    answer = ask("POST", "/v2/models/sum/infer", {"inputs": [tensor]})
    assert (answer.status, answer.json()["outputs"][0]["data"]) == (200, [3.0])


def test_a_model_that_sleeps_is_ready(ask) -> None:
    assert ask("GET", "/v2/models/sum/ready").json() == {"name": "sum", "ready": True}


def test_documents_are_there(ask) -> None:
    assert "/{application}/predict" in ask("GET", "/openapi.json").json()["paths"]


def test_an_event_that_is_no_request_warms_up(query: StackFunctionUnderTest) -> None:
    assert query.ask({"warm-up": True}) is None


def test_a_prediction_writes_one_line_of_metrics_with_its_request(ask, query: StackFunctionUnderTest) -> None:
    before = len(query.log_lines())
    ask("POST", "/digits/predict", {"input": [0.25]})
    (line,) = query.log_lines()[before:]
    assert (line["Application"], line["Model"], line["Predictions"]) == ("digits", "sum:1", [1])
    assert line["request_id"] == "1"
