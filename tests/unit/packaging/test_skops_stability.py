"""Equal models are equal bytes, and still the model."""

import numpy as np
from sklearn.tree import DecisionTreeClassifier
from skops.io import dumps, get_untrusted_types, loads

from clipper_sls.packaging.skops_stability import settled

ROWS = np.arange(40.0).reshape(20, 2)


def _trained() -> DecisionTreeClassifier:
    return DecisionTreeClassifier(random_state=0).fit(ROWS.copy(), [index % 3 for index in range(20)])


def test_models_that_are_equal_have_equal_bytes():
    first, second = _trained(), _trained()
    assert dumps(first) != dumps(second)
    assert settled(dumps(first)) == settled(dumps(second))


def test_a_settled_model_predicts_what_the_model_did():
    model = _trained()
    content = settled(dumps(model))
    again = loads(content, trusted=get_untrusted_types(data=content))
    assert np.array_equal(again.predict_proba(ROWS), model.predict_proba(ROWS))


def test_what_was_one_object_stays_one_object():
    shared = np.arange(3)
    again = loads(settled(dumps({"a": shared, "b": shared})))
    assert again["a"] is again["b"]


def test_a_dictionary_that_looks_like_a_schema_survives():
    awkward = {"file": "0.npy", "__id__": 7, "content": [1, 2]}
    assert loads(settled(dumps([np.arange(2), awkward])))[1] == awkward
