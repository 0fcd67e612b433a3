import configparser

import pytest

from clipper_sls.adapters.docker.pip_configuration import pip_configuration


def _options(environment: dict[str, str]) -> dict[str, str]:
    parser = configparser.ConfigParser()  # as pip reads it
    parser.read_string(pip_configuration(environment))
    return dict(parser["global"])


def test_without_variables_pip_is_as_it_comes() -> None:
    assert _options({"HOME": "/home", "PIP_CERT": "/etc/cert.pem"}) == {}


def test_indexes_and_what_belongs_to_them_are_taken_over() -> None:
    assert _options(
        {
            "PIP_INDEX_URL": "https://user:p%40ss@packages.example/all",
            "PIP_EXTRA_INDEX_URL": "https://a.example/x https://b.example/y",
            "PIP_TRUSTED_HOST": "packages.example",
            "PIP_NO_INDEX": "",
        }
    ) == {
        "index-url": "https://user:p%40ss@packages.example/all",
        "extra-index-url": "https://a.example/x https://b.example/y",
        "trusted-host": "packages.example",
    }


def test_folders_of_this_machine_are_left_out() -> None:
    places = "/wheels file:///wheels https://packages.example/wheels"
    assert _options({"PIP_FIND_LINKS": places}) == {"find-links": "https://packages.example/wheels"}
    assert _options({"UV_DEFAULT_INDEX": "file:///index"}) == {}


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_uvs_index_is_pips_unless_pip_has_one(name: str) -> None:
    assert _options({name: "https://uv.example/all"}) == {"index-url": "https://uv.example/all"}
    both = {name: "https://uv.example/all", "PIP_INDEX_URL": "https://pip.example/all"}
    assert _options(both) == {"index-url": "https://pip.example/all"}
