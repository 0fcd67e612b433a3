import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.image.references import Reference
from clipper_sls.errors import InvalidNameError

DIGEST = f"sha256:{'0123456789abcdef' * 4}"


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("python", "docker.io/library/python:latest"),
        ("python:3.11-slim", "docker.io/library/python:3.11-slim"),
        ("someone/model", "docker.io/someone/model:latest"),
        ("docker.io/python", "docker.io/library/python:latest"),
        ("localhost/digits:1", "localhost/digits:1"),
        ("127.0.0.1:5000/a/b/c:v1.0_x", "127.0.0.1:5000/a/b/c:v1.0_x"),
        ("[::1]:5000/digits", "[::1]:5000/digits:latest"),
        (f"ghcr.io/a/b@{DIGEST}", f"ghcr.io/a/b@{DIGEST}"),
        (f"ghcr.io/a/b:1@{DIGEST}", f"ghcr.io/a/b:1@{DIGEST}"),
    ],
)
def test_abbreviations_are_written_out_as_docker_means_them(text: str, full: str) -> None:
    assert str(Reference.parse(text)) == full
    assert Reference.parse(full) == Reference.parse(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a repository is"),
        ("Digits", "a repository is"),
        ("a//b", "a repository is"),
        ("a/../b", "a repository is"),
        ("digits:", "a tag is"),
        ("digits:-1", "a tag is"),
        ("digits:a/b", "the name of a registry"),
        ("digits@sha256:12", "what follows @"),
        ("digits@md5:12", "what follows @"),
        ("ex ample.com:1/digits", "the name of a registry"),
        ("http://example.com/digits", "is not the name of an image"),
        ("a" * 300, "a repository is"),
    ],
)
def test_what_names_no_image_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidNameError, match=why):
        Reference.parse(text)


def test_a_digest_wins_over_a_tag() -> None:
    assert Reference.parse("digits:2").identifier == "2"
    assert Reference.parse(f"digits:2@{DIGEST}").identifier == DIGEST
    assert str(Reference.parse("localhost/digits:2").pinned(DIGEST)) == f"localhost/digits@{DIGEST}"


@given(st.text(max_size=60))
def test_any_text_is_a_reference_that_prints_as_one_or_is_refused(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except InvalidNameError:
        return
    assert Reference.parse(str(reference)) == reference
