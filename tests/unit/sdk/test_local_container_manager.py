"""What a local container manager takes, and what it says about what it does not use."""

import pytest

from clipper_sls.errors import EngineRunningError, InvalidSettingError
from clipper_sls.sdk import ClipperConnection, LocalContainerManager


def test_nothing_happens_on_construction(tmp_path):
    LocalContainerManager("c", state_dir=tmp_path / "state")
    assert list(tmp_path.iterdir()) == []


def test_arguments_of_docker_are_taken_with_a_warning(caplog):
    LocalContainerManager(cluster_name="c", use_centralized_log=True, redis_port=6380, docker_ip_address="localhost")
    assert [message.split(" has no effect")[0] for message in caplog.messages] == [
        "[c] use_centralized_log=True",
        "[c] redis_port=6380",
    ]


def test_an_argument_that_docker_has_not_either_is_refused():
    with pytest.raises(TypeError, match="redis_prot"):
        LocalContainerManager(redis_prot=1)


def test_a_cluster_name_that_is_no_name_is_refused():
    with pytest.raises(InvalidSettingError, match="cluster_name"):
        ClipperConnection(LocalContainerManager("../x")).connect()


def test_the_state_of_a_cluster_lies_below_the_state_root(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPPER_SLS_STATE_ROOT", str(tmp_path))
    assert LocalContainerManager("c").state_dir == tmp_path / "c"


def test_addresses_are_those_of_the_engine_once_connected(server, cluster, connection):
    address = server.url.removeprefix("http://")
    assert cluster.get_admin_addr() == address
    assert connection.get_query_addr() == address
    assert connection.get_metric_addr() == address


def test_addresses_before_are_the_configured_ones():
    manager = LocalContainerManager(clipper_query_port=11, clipper_management_port=12)
    assert (manager.get_query_addr(), manager.get_admin_addr()) == ("127.0.0.1:11", "127.0.0.1:12")


def test_names_that_clippers_scripts_read():
    manager = LocalContainerManager("c")
    assert (manager.cluster_name, manager.cluster_identifier, manager.centralize_log) == ("c", "c", False)


def test_an_engine_that_cannot_be_seen_from_here_is_asked_to_end(server, connection):
    connection.stop_all()
    assert server.last.path == "/admin/shutdown"
    assert not connection.connected


def test_stopping_what_was_never_started_is_no_error(tmp_path):
    ClipperConnection(LocalContainerManager(state_dir=tmp_path / "state")).stop_all()
    assert list(tmp_path.iterdir()) == []


def test_images_and_threads_are_taken_with_a_warning_and_a_running_cluster_is_not_started_again(
    tmp_path, caplog, ready_engine
):
    ready_engine(tmp_path)
    connection = ClipperConnection(LocalContainerManager(state_dir=tmp_path))
    with pytest.raises(EngineRunningError, match="cannot be started because it already exists"):
        connection.start_clipper(mgmt_frontend_image="mine", qf_http_thread_pool_size=4)
    assert "mgmt_frontend_image='mine' has no effect" in caplog.text
    assert "qf_http_thread_pool_size=4 has no effect" in caplog.text
    assert "query_frontend_image" not in caplog.text
