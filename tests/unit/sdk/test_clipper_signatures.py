"""Every public method of Clipper's connection is there, with its arguments in their order and with their defaults."""

import inspect

import pytest

from clipper_sls.deployers import keras, mlflow, onnx, python, pytorch, sklearn, xgboost
from clipper_sls.sdk import ClipperConnection, LocalContainerManager

METHODS = {
    "start_clipper": "query_frontend_image=, mgmt_frontend_image=, frontend_exporter_image=, cache_size=33554432, "
    "qf_http_thread_pool_size=1, qf_http_timeout_request=5, qf_http_timeout_content=300, num_frontend_replicas=1",
    "connect": "",
    "register_application": "name, input_type, default_output, slo_micros",
    "delete_application": "name",
    "unregister_application": "name",
    "link_model_to_app": "app_name, model_name",
    "unlink_model_from_app": "app_name, model_name",
    "build_and_deploy_model": "name, version, input_type, model_data_path, base_image, labels=None, "
    "container_registry=None, num_replicas=1, batch_size=-1, pkgs_to_install=None",
    "build_model": "name, version, model_data_path, base_image, container_registry=None, pkgs_to_install=None",
    "deploy_model": "name, version, input_type, image, labels=None, num_replicas=1, batch_size=-1",
    "register_model": "name, version, input_type, image=None, labels=None, batch_size=-1",
    "get_current_model_version": "name",
    "get_num_replicas": "name, version=None",
    "set_num_replicas": "name, num_replicas, version=None",
    "get_all_apps": "verbose=False",
    "get_app_info": "name",
    "get_linked_models": "app_name",
    "get_all_models": "verbose=False",
    "get_model_info": "name, version",
    "get_all_model_replicas": "verbose=False",
    "get_model_replica_info": "name, version, replica_id",
    "get_clipper_logs": "logging_dir='clipper_logs/'",
    "inspect_instance": "",
    "set_model_version": "name, version, num_replicas=None",
    "get_query_addr": "",
    "get_metric_addr": "",
    "stop_models": "model_names",
    "stop_versioned_models": "model_versions_dict",
    "stop_inactive_model_versions": "model_names",
    "stop_all_model_containers": "",
    "stop_all": "graceful=True",
    "test_predict_function": "query, func, input_type",
}

ENDPOINT = (
    "default_output='None', version=1, slo_micros=3000000, labels=None, registry=None, base_image='default', "
    "num_replicas=1, batch_size=-1, pkgs_to_install=None"
)
DEPLOYED = "base_image='default', labels=None, registry=None, num_replicas=1, batch_size=-1, pkgs_to_install=None"

DEPLOYERS = {
    python.create_endpoint: f"clipper_conn, name, input_type, func, {ENDPOINT}",
    python.deploy_python_closure: f"clipper_conn, name, version, input_type, func, {DEPLOYED}",
    pytorch.create_endpoint: f"clipper_conn, name, input_type, func, pytorch_model, {ENDPOINT}",
    pytorch.deploy_pytorch_model: f"clipper_conn, name, version, input_type, func, pytorch_model, {DEPLOYED}",
    keras.create_endpoint: f"clipper_conn, name, input_type, func, model_path_or_object, {ENDPOINT}",
    keras.deploy_keras_model: f"clipper_conn, name, version, input_type, func, model_path_or_object, {DEPLOYED}",
    onnx.create_pytorch_endpoint: "clipper_conn, name, input_type, inputs, func, pytorch_model, default_output='None', "
    "version=1, slo_micros=3000000, labels=None, registry=None, base_image=None, num_replicas=1, "
    "onnx_backend='onnxruntime', batch_size=-1, pkgs_to_install=None",
    onnx.deploy_pytorch_model: "clipper_conn, name, version, input_type, inputs, func, pytorch_model, base_image=None, "
    "labels=None, registry=None, num_replicas=1, onnx_backend='onnxruntime', batch_size=-1, pkgs_to_install=None",
}
"""Clipper's, but for the default of `onnx_backend`, which was 'caffe2'."""

LIKE_CLIPPERS = {
    sklearn.create_endpoint: f"clipper_conn, name, input_type, func, sklearn_model, {ENDPOINT}",
    sklearn.deploy_sklearn_model: f"clipper_conn, name, version, input_type, func, sklearn_model, {DEPLOYED}",
    xgboost.create_endpoint: f"clipper_conn, name, input_type, func, xgboost_model, {ENDPOINT}",
    xgboost.deploy_xgboost_model: f"clipper_conn, name, version, input_type, func, xgboost_model, {DEPLOYED}",
    mlflow.create_endpoint: f"clipper_conn, name, input_type, model_path, {ENDPOINT}",
    mlflow.deploy_mlflow_model: f"clipper_conn, name, version, input_type, model_path, {DEPLOYED}",
    onnx.create_endpoint: f"clipper_conn, name, input_type, func, onnx_model, {ENDPOINT}",
    onnx.deploy_onnx_model: f"clipper_conn, name, version, input_type, func, onnx_model, {DEPLOYED}",
}


def _shown(function) -> str:
    """The positional arguments; of images only that they have a default."""
    return ", ".join(
        parameter.name + _default(parameter)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self" and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    )


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return ""
    return "=" if parameter.name.endswith("_image") and "/" in str(parameter.default) else f"={parameter.default!r}"


@pytest.mark.parametrize(("name", "arguments"), METHODS.items())
def test_a_method_takes_clippers_arguments(name, arguments):
    assert _shown(getattr(ClipperConnection, name)) == arguments


@pytest.mark.parametrize(("deployer", "arguments"), [*DEPLOYERS.items(), *LIKE_CLIPPERS.items()])
def test_a_deployer_takes_clippers_arguments(deployer, arguments):
    assert _shown(deployer) == arguments


@pytest.mark.parametrize("deployer", [*DEPLOYERS, *LIKE_CLIPPERS])
def test_a_deployer_shows_the_options_beyond_clippers(deployer):
    assert {"min_replicas", "warm_up_inputs", "cache_ttl_s"} <= inspect.signature(deployer).parameters.keys()
    assert "`warm_up_inputs` are a few inputs" in inspect.getdoc(deployer)


def test_the_container_manager_takes_its_name_and_ports():
    arguments = _shown(LocalContainerManager.__init__)
    assert arguments == ("cluster_name='default-cluster', clipper_query_port=1337, clipper_management_port=1338")
