"""The python deployer packs a function and deploys it like anything else."""

import json
import threading

import cloudpickle
import pytest

from clipper_sls.deployers.python import create_endpoint, deploy_python_closure
from clipper_sls.domain.bundle import MANIFEST_NAME, Manifest
from clipper_sls.domain.envelope import unpack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidInputError, InvalidNameError, UnpicklableError
from clipper_sls.sdk import ClipperConnection, LocalContainerManager
from clipper_sls.sdk.management_client import ReplicaBounds


class RecordingConnection(ClipperConnection):
    """Remembers what it was told, in order, and what was in the bundle while it was there."""

    def __init__(self):
        super().__init__(LocalContainerManager())
        self.calls = []
        self.manifest = None
        self.function = None
        self.warm_up = None

    def register_application(self, name, input_type, default_output, slo_micros):
        self.calls.append(("register", name, input_type, default_output, slo_micros))

    def deploy_bundle(self, name, version, input_type, bundle, **options):
        self.calls.append(("deploy", name, version, input_type, options))
        self.manifest = Manifest.from_json((bundle / MANIFEST_NAME).read_bytes())
        self.function = cloudpickle.loads((bundle / "func.pkl").read_bytes())
        warm_up = self.manifest.warm_up_file
        self.warm_up = unpack_event(json.loads((bundle / warm_up).read_bytes())) if warm_up else None

    def link_model_to_app(self, app_name, model_name):
        self.calls.append(("link", app_name, model_name))


@pytest.fixture
def connection():
    return RecordingConnection()


def _lengths(inputs):
    return [len(row) for row in inputs]


def test_an_endpoint_is_an_application_a_model_and_a_link_in_this_order(connection):
    create_endpoint(connection, "digits", "doubles", _lengths)
    assert connection.calls == [
        ("register", "digits", "doubles", "None", 3_000_000),
        (
            "deploy",
            "digits",
            "1",
            "doubles",
            {"labels": None, "container_registry": None, "batch_size": -1, "replicas": ReplicaBounds(1)},
        ),
        ("link", "digits", "digits"),
    ]


def test_a_function_travels_with_its_name_version_type_and_packages(connection):
    deploy_python_closure(connection, "m", 2, "strings", _lengths, pkgs_to_install=["sympy"])
    manifest = connection.manifest
    assert (manifest.name, manifest.version, manifest.input_type) == ("m", "2", "strings")
    assert manifest.pkgs_to_install == ("sympy",)
    assert connection.function(["abc"]) == [3]


def test_options_reach_the_connection(connection):
    deploy_python_closure(
        connection,
        "m",
        1,
        "doubles",
        _lengths,
        labels=["a"],
        registry="reg",
        batch_size=4,
        min_replicas=0,
        max_replicas=3,
        cache=False,
    )
    assert connection.calls[0][-1] == {
        "labels": ["a"],
        "container_registry": "reg",
        "batch_size": 4,
        "replicas": ReplicaBounds(1, 0, 3),
        "cache": False,
    }


def test_an_endpoint_passes_options_on(connection):
    create_endpoint(connection, "digits", "doubles", _lengths, batching="quantile", idempotent=False)
    options = connection.calls[1][-1]
    assert (options["batching"], options["idempotent"]) == ("quantile", False)


def test_warm_up_inputs_travel_with_the_function(connection):
    deploy_python_closure(connection, "m", 1, "strings", _lengths, warm_up_inputs=["ab", "c"])
    assert connection.warm_up == (InputType.STRINGS, [b"ab", b"c"])
    deploy_python_closure(connection, "m", 1, "strings", _lengths)
    assert connection.warm_up is None


def test_a_warm_up_input_of_another_type_is_refused_before_anything_happens(connection):
    for deploy in (deploy_python_closure, create_endpoint):
        given = {"version": 1, "name": "m", "input_type": "doubles", "func": _lengths}
        with pytest.raises(InvalidInputError, match=r"warm_up_inputs\[1\] is not an input of type doubles: 'ab'"):
            deploy(connection, **given, warm_up_inputs=[[1.0], "ab"])
    assert connection.calls == []


def test_a_base_image_has_no_effect_and_is_said_to(connection, caplog):
    deploy_python_closure(connection, "m", 1, "doubles", _lengths, base_image="mine")
    assert "base_image='mine' has no effect" in caplog.text


def test_the_default_base_image_is_not_worth_a_warning(connection, caplog):
    deploy_python_closure(connection, "m", 1, "doubles", _lengths)
    assert caplog.messages == []


def test_what_cannot_be_pickled_is_refused_by_name_and_nothing_is_deployed(connection):
    lock = threading.Lock()
    with pytest.raises(UnpicklableError, match="lock"):
        deploy_python_closure(connection, "m", 1, "doubles", lambda xs: [lock.locked() for _ in xs])
    assert connection.calls == []


def test_a_name_that_is_none_is_refused_before_anything_is_packed(connection):
    with pytest.raises(InvalidNameError):
        deploy_python_closure(connection, "M", 1, "doubles", _lengths)
    assert connection.calls == []
