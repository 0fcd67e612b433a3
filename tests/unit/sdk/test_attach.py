"""Which engine a container manager attaches to."""

import json
import os
import subprocess
import sys

import psutil
import pytest

from clipper_sls.errors import UnauthorizedError, UnconnectedError
from clipper_sls.sdk.attach import Ports, attach, attach_elsewhere, token_in


@pytest.fixture
def bystander():
    """A process that runs until the test is over."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def _write_ready_file(folder, pid, management="http://127.0.0.1:7"):
    folder.mkdir(exist_ok=True)
    content = {"query": "http://127.0.0.1:8", "management": management, "pid": pid, "cluster_name": "c"}
    (folder / "engine.json").write_text(json.dumps(content))


def _ports(server, are_usual=False):
    return Ports(int(server.url.rsplit(":", 1)[1]), are_usual)


def _answer_status(server, state_dir, cluster_name="default-cluster"):
    status = {"cluster_name": cluster_name, "state_dir": str(state_dir), "query": "http://q:1"}
    server.answer("/admin/get_status", {**status, "management": server.url})


def test_the_engine_of_the_state_directory_comes_first(server, tmp_path, bystander):
    _write_ready_file(tmp_path, bystander.pid)
    found = attach("c", tmp_path, _ports(server), None)
    assert (found.query, found.management) == ("http://127.0.0.1:8", "http://127.0.0.1:7")
    assert found.running.process.pid == bystander.pid
    assert server.requests == []


@pytest.mark.parametrize("pid", [2**22 - 1, 1, 0, -1])
def test_a_ready_file_that_a_crashed_engine_left_is_not_believed(server, tmp_path, pid):
    _write_ready_file(tmp_path, pid)
    os.utime(tmp_path / "engine.json", (0, 0))  # written before any process of now began
    with pytest.raises(UnconnectedError):
        attach("c", tmp_path, Ports(1, are_usual=False), None)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', "{}"])
def test_a_broken_ready_file_is_no_engine(tmp_path, content):
    (tmp_path / "engine.json").write_text(content)
    with pytest.raises(UnconnectedError):
        attach("c", tmp_path, Ports(1, are_usual=False), None)


def test_an_engine_that_was_started_by_hand_is_found_by_its_ports(server, tmp_path):
    _answer_status(server, tmp_path / "elsewhere")
    found = attach("my-cluster", tmp_path, _ports(server), "token")
    assert (found.query, found.management, found.running) == ("http://q:1", server.url, None)
    assert found.state_dir == tmp_path / "elsewhere"
    assert server.last.headers["Authorization"] == "Bearer token"


def test_the_process_of_an_engine_found_by_ports_is_known_by_its_ready_file(server, tmp_path, bystander):
    _answer_status(server, tmp_path / "elsewhere")
    _write_ready_file(tmp_path / "elsewhere", bystander.pid, management=server.url)
    found = attach("c", tmp_path, _ports(server), None)
    assert found.running.process == psutil.Process(bystander.pid)


def test_a_ready_file_of_another_engine_names_no_process_to_end(server, tmp_path, bystander):
    _answer_status(server, tmp_path / "elsewhere")
    _write_ready_file(tmp_path / "elsewhere", bystander.pid, management="http://127.0.0.1:9")
    assert attach("c", tmp_path, _ports(server), None).running is None


def test_nobody_anywhere_is_unconnected_and_says_where_was_looked(tmp_path):
    with pytest.raises(
        UnconnectedError, match=r"No engine of cluster 'c' is running: none on /.*, and none at http://127.0.0.1:1\."
    ):
        attach("c", tmp_path, Ports(1, are_usual=False), None)


def test_the_token_is_the_one_in_the_state_directory(tmp_path):
    assert token_in(tmp_path) is None
    (tmp_path / "management-token").write_text("secret\n")
    assert token_in(tmp_path) == "secret"


def test_an_engine_that_wants_a_token_says_so(server, tmp_path):
    server.answer("/admin/get_status", "give a token", status=401, code="unauthorized")
    with pytest.raises(UnauthorizedError, match="give a token"):
        attach("c", tmp_path, _ports(server), None)


def test_another_cluster_at_the_usual_ports_is_not_attached_to(server, tmp_path):
    _answer_status(server, tmp_path, cluster_name="theirs")
    with pytest.raises(UnconnectedError, match=r"the one at port \d+ is that of cluster 'theirs'"):
        attach("mine", tmp_path, _ports(server, are_usual=True), None)


@pytest.mark.parametrize("cluster_name", ["default-cluster", "theirs"])
def test_whoever_names_no_cluster_or_the_right_one_is_attached_at_the_usual_ports(server, tmp_path, cluster_name):
    _answer_status(server, tmp_path, cluster_name="theirs")
    assert attach(cluster_name, tmp_path, _ports(server, are_usual=True), None).management == server.url


@pytest.mark.parametrize(("given", "used"), [(None, "http://q:1"), ("http://gateway:80", "http://gateway:80")])
def test_an_engine_elsewhere_says_where_queries_go_unless_that_was_given(server, tmp_path, given, used):
    _answer_status(server, tmp_path / "theirs", cluster_name="any")
    found = attach_elsewhere(server.url, given, "token")
    assert (found.query, found.management, found.running) == (used, server.url, None)
    assert server.last.headers["Authorization"] == "Bearer token"


def test_nothing_elsewhere_is_unconnected():
    with pytest.raises(UnconnectedError, match=r"http://127\.0\.0\.1:1"):
        attach_elsewhere("http://127.0.0.1:1", None, None)
