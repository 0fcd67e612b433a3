"""Where pip finds packages inside a build: where it does outside, as far as that can be reached from there. Pure."""

from collections.abc import Mapping

_TAKEN_OVER = {
    "PIP_INDEX_URL": "index-url",
    "PIP_EXTRA_INDEX_URL": "extra-index-url",
    "PIP_FIND_LINKS": "find-links",
    "PIP_TRUSTED_HOST": "trusted-host",
    "PIP_NO_INDEX": "no-index",
    "PIP_PRE": "pre",
}
_UV_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
_PLACES = frozenset(("index-url", "extra-index-url", "find-links"))


def pip_configuration(environment: Mapping[str, str]) -> str:
    """A `pip.conf`. Folders of this machine are left out of it, as no build sees them; uv's index is pip's, too."""
    options = {option: environment[name] for name, option in _TAKEN_OVER.items() if environment.get(name)}
    index = next((environment[name] for name in _UV_INDEXES if environment.get(name)), None)
    if index is not None:
        options.setdefault("index-url", index)
    reachable = {option: _reachable(option, value) for option, value in options.items()}
    return "[global]\n" + "".join(f"{option} = {value}\n" for option, value in sorted(reachable.items()) if value)


def _reachable(option: str, value: str) -> str:
    words = value.split()
    if option in _PLACES:
        words = [word for word in words if "://" in word and not word.startswith("file:")]
    return " ".join(words).replace("%", "%%")
