import socket

import pytest

from clipper_sls.errors import InvalidSettingError, PortInUseError
from clipper_sls.http.serve import listen, url_of


def test_port_0_is_any_free_one() -> None:
    with listen("127.0.0.1", 0, may_move=False) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_taken_port_is_refused_and_says_which() -> None:
    with listen("127.0.0.1", 0, may_move=False) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=str(port)):
            listen("127.0.0.1", port, may_move=False)


def test_a_taken_port_may_move_up() -> None:
    with listen("127.0.0.1", 0, may_move=False) as taken:
        port = taken.getsockname()[1]
        with listen("127.0.0.1", port, may_move=True) as moved:
            assert moved.getsockname()[1] > port


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 0, may_move=False)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 on this machine")
def test_an_ipv6_address_is_bracketed_in_the_url() -> None:
    with listen("::1", 0, may_move=False) as listener:
        assert url_of(listener).startswith("http://[::1]:")
