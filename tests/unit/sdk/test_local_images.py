"""Building from folders, and deploying what was built."""

import io
import json
import logging
import tarfile

import cloudpickle
import pytest

from clipper_sls.domain.bundle import MANIFEST_NAME, SIGNATURE_FILE, WARM_UP_FILE, Manifest
from clipper_sls.domain.envelope import unpack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidBundleError, UnsupportedImageError
from clipper_sls.sdk.clipper_images import digest_of


@pytest.fixture
def model_folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "func.pkl").write_bytes(cloudpickle.dumps(lambda xs: [len(x) for x in xs], protocol=2))
    (folder / "weights.bin").write_bytes(b"\x00" * 100_000)
    return folder


def _answer_uploads(server, digest="d" * 64):
    server.answer("/admin/upload_bundle", {"bundle_digest": digest})
    return digest


def _sent(server):
    """Manifest and files of the bundle that was uploaded."""
    (upload,) = [request for request in server.requests if request.path == "/admin/upload_bundle"]
    with tarfile.open(fileobj=io.BytesIO(upload.body)) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}
    return Manifest.from_json(files.pop(MANIFEST_NAME)), files


def test_a_closure_folder_is_kept_under_a_name_with_its_digest(cluster, connection, model_folder):
    image = connection.build_model("m", 1, str(model_folder), "clipper/python37-closure-container:0.4.1", "reg:5000")
    digest = digest_of(image)
    assert image == f"reg:5000/default-cluster-m:1@sha256:{digest}"
    kept = cluster.state_dir / "built" / digest
    assert (kept / "weights.bin").read_bytes() == (model_folder / "weights.bin").read_bytes()
    assert [entry.name for entry in kept.parent.iterdir()] == [digest]


def test_building_needs_no_connection_and_twice_is_once(cluster, model_folder, connection):
    connection.connected = False
    first = connection.build_model("m", 1, str(model_folder), "clipper/python-closure-container:1")
    assert connection.build_model("m", 1, str(model_folder), "clipper/python-closure-container:1") == first


def test_a_built_image_is_deployed_with_its_files_and_its_type(server, connection, model_folder):
    digest = _answer_uploads(server)
    image = connection.build_model(
        "m", 1, str(model_folder), "clipper/python-closure-container:1", pkgs_to_install=["sympy==1.1.*"]
    )
    connection.deploy_model("other", "v2", "strings", image, ["label"], 3, 7)
    manifest, files = _sent(server)
    assert (manifest.name, manifest.version, manifest.input_type) == ("other", "v2", "strings")
    assert manifest.pkgs_to_install == ("sympy==1.1.*",)
    assert files["weights.bin"] == (model_folder / "weights.bin").read_bytes()
    added = server.last.json
    assert added["container_name"] == f"default-cluster-m:1@sha256:{digest}"
    assert (added["model_name"], added["model_version"], added["input_type"]) == ("other", "v2", "strings")
    assert (added["labels"], added["num_replicas"], added["batch_size"]) == (["label"], 3, 7)


def test_deploying_leaves_what_was_built_as_it_was(server, connection, cluster, model_folder):
    _answer_uploads(server)
    image = connection.build_model("m", 1, str(model_folder), "clipper/python-closure-container:1")
    connection.deploy_model("other", 2, "strings", image)
    kept = cluster.state_dir / "built" / digest_of(image)
    assert Manifest.from_json((kept / MANIFEST_NAME).read_bytes()).digest == digest_of(image)
    assert [entry.name for entry in kept.parent.iterdir()] == [kept.name]


@pytest.mark.parametrize(("kind", "entry"), [("noop", "builtin:noop"), ("sum", "builtin:sum")])
def test_a_container_of_clippers_own_is_deployed_by_its_name(server, connection, kind, entry):
    digest = _answer_uploads(server)
    connection.deploy_model("m", 1, "doubles", f"clipper/{kind}-container:develop")
    manifest, files = _sent(server)
    assert (manifest.entry, manifest.name, manifest.version, manifest.input_type) == (entry, "m", "1", "doubles")
    assert set(files) == {SIGNATURE_FILE}
    assert server.last.json["container_name"] == f"clipper/{kind}-container:develop@sha256:{digest}"


def test_build_and_deploy_of_an_empty_folder_runs_the_noop_container(server, connection, tmp_path):
    _answer_uploads(server)
    connection.build_and_deploy_model("m", "v1", "doubles", str(tmp_path), "clipper/noop-container:develop")
    assert _sent(server)[0].entry == "builtin:noop"
    assert server.last.json["container_name"].startswith("default-cluster-m:v1@sha256:")


def test_an_empty_folder_can_be_built_for_a_closure_container(connection, tmp_path):
    """Clipper's own integration test builds such images and never deploys them."""
    folder = tmp_path / "empty"
    folder.mkdir()
    assert connection.build_model("m", "py37", str(folder), "clipper/python37-closure-container:develop")


def test_another_base_image_has_no_effect_on_a_closure(connection, model_folder, caplog):
    with caplog.at_level(logging.WARNING):
        connection.build_model("m", 1, str(model_folder), "example.org/mine:3")
    assert "Base image 'example.org/mine:3' has no effect" in caplog.text


def test_another_base_image_without_a_closure_is_refused(connection, tmp_path):
    with pytest.raises(UnsupportedImageError, match=r"'clipper/tf-container:1' cannot run here.*holds no func.pkl"):
        connection.build_model("m", 1, str(tmp_path), "clipper/tf-container:1")


def test_a_folder_that_is_not_there_is_refused(connection, tmp_path):
    with pytest.raises(InvalidBundleError, match="must be a folder that exists"):
        connection.build_model("m", 1, str(tmp_path / "absent"), "clipper/noop-container:1")


def test_an_image_of_somebody_else_is_the_engines_to_run_or_refuse(server, connection):
    connection.deploy_model("m", 1, "doubles", "example.org/mine:3")
    assert server.last.json["container_name"] == "example.org/mine:3"
    server.answer("/admin/add_model", "cannot be run here", status=400, code="unsupported_image")
    with pytest.raises(UnsupportedImageError, match="cannot be run here"):
        connection.deploy_model("m", 1, "doubles", "example.org/mine:3")


def test_an_image_that_was_built_elsewhere_is_deployed_when_the_engine_has_it(server, connection):
    image = f"default-cluster-m:1@sha256:{'a' * 64}"
    connection.deploy_model("m", 1, "doubles", image)
    assert server.last.json["container_name"] == image
    server.answer("/admin/add_model", "no such bundle", status=400, code="invalid_bundle")
    with pytest.raises(UnsupportedImageError, match="neither on this machine nor in the engine"):
        connection.deploy_model("m", 1, "doubles", image)


@pytest.mark.parametrize("image", ["built", "clipper/noop-container:develop"])
def test_warm_up_inputs_go_into_the_bundle_that_is_deployed(server, connection, cluster, model_folder, image):
    _answer_uploads(server)
    if image == "built":
        image = connection.build_model("m", 1, str(model_folder), "clipper/python-closure-container:1")
    connection.deploy_model("m", 1, "strings", image, warm_up_inputs=["a", "b"], cache=False)
    manifest, files = _sent(server)
    assert unpack_event(json.loads(files[manifest.warm_up_file])) == (InputType.STRINGS, [b"a", b"b"])
    assert server.last.json["cache"] is False
    for kept in (cluster.state_dir / "built").glob("*"):
        assert Manifest.from_json((kept / MANIFEST_NAME).read_bytes()).digest == kept.name
        assert not (kept / manifest.warm_up_file).exists()


def test_warm_up_inputs_for_an_image_that_was_built_elsewhere_are_refused(server, connection):
    image = f"default-cluster-m:1@sha256:{'a' * 64}"
    with pytest.raises(UnsupportedImageError, match="warm-up inputs go into its bundle, which is not on this machine"):
        connection.deploy_model("m", 1, "doubles", image, warm_up_inputs=[[1.0]])
    assert server.paths == ["/admin/get_status"]


def test_a_file_of_the_users_own_is_not_taken_for_warm_up_inputs(connection, model_folder):
    (model_folder / WARM_UP_FILE).write_text("{}")
    image = connection.build_model("m", 1, str(model_folder), "clipper/python-closure-container:1")
    with pytest.raises(InvalidBundleError, match="which warm-up inputs need; rename that file"):
        connection.deploy_model("m", 1, "strings", image, warm_up_inputs=["a"])
