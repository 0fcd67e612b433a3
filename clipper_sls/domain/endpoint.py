"""Where a model version runs that this engine does not run. Pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from clipper_sls.errors import InvalidSettingError

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that takes events and answers results, as `domain.envelope` describes them."""

    url: str  # "http://127.0.0.1:8080", or with a path before those of the server: no "/" at its end

    @classmethod
    def parse(cls, url: str) -> "Endpoint":
        """Raises InvalidSettingError; its text repeats nothing that may be a secret."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError as error:
            raise InvalidSettingError(f"The model's url cannot be read: {error}") from None
        if parts.scheme not in PORTS or not parts.hostname:
            raise InvalidSettingError(
                "The model's url must be http://HOST:PORT or https://HOST:PORT, with a path or not"
            )
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise InvalidSettingError(
                "The model's url must have no user, password, query or fragment: it is shown to everybody who may list "
                "models. Let a proxy beside the engine add what the server asks for"
            )
        if not parts.path.isascii() or any(character <= " " for character in url.strip()):
            raise InvalidSettingError("The model's url must be in ASCII, without blanks; quote what is not")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        shown = "" if port in (None, PORTS[parts.scheme]) else f":{port}"
        return cls(f"{parts.scheme}://{host}{shown}{parts.path.rstrip('/')}")

    @property
    def is_secure(self) -> bool:
        return self.url.startswith("https:")

    @property
    def host(self) -> str:
        return str(urlsplit(self.url).hostname)

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or PORTS[parts.scheme]

    @property
    def authority(self) -> str:
        """What the header Host has."""
        return urlsplit(self.url).netloc

    def path(self, below: str) -> str:
        """The path of a request for `below` on the server, which begins with a slash."""
        return urlsplit(self.url).path + below
