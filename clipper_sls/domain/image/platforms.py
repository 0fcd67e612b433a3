"""The platforms that images are built for, and what each part of the world calls them."""

from collections.abc import Iterable
from enum import StrEnum

from clipper_sls.domain.image.digests import Descriptor
from clipper_sls.errors import InvalidSettingError
from clipper_sls.image_errors import UnknownImageError


class Platform(StrEnum):
    """As Docker writes it. Lambda calls the second half `x86_64` and `arm64`."""

    AMD64 = "linux/amd64"
    ARM64 = "linux/arm64"

    @property
    def os(self) -> str:
        return self.value.partition("/")[0]

    @property
    def architecture(self) -> str:
        return self.value.partition("/")[2]

    @property
    def wheel_platform(self) -> str:
        """As uv takes it: wheels for the C library of 2018 and later, which every base with a Python of ours has."""
        return {Platform.AMD64: "x86_64-manylinux_2_28", Platform.ARM64: "aarch64-manylinux_2_28"}[self]

    @property
    def elf_machine(self) -> int:
        """`e_machine` of its machine code (System V ABI, EM_X86_64 and EM_AARCH64)."""
        return {Platform.AMD64: 62, Platform.ARM64: 183}[self]

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """Raises InvalidSettingError."""
        try:
            return cls(text)
        except ValueError:
            raise InvalidSettingError(f"platform {text!r} is not one of {', '.join(cls)}") from None


def chosen(manifests: Iterable[Descriptor], platform: Platform, image: str) -> Descriptor:
    """The manifest of an index that is for `platform`. Raises UnknownImageError naming those that there are."""
    found = [one for one in manifests if one.platform is not None]
    for one in found:
        if one.platform is not None and (one.platform.os, one.platform.architecture) == _names(platform):
            return one
    there = sorted({f"{one.platform.os}/{one.platform.architecture}" for one in found if one.platform is not None})
    raise UnknownImageError(f"{image} has no image for {platform}; it has {', '.join(there) or 'none'}")


def _names(platform: Platform) -> tuple[str, str]:
    return platform.os, platform.architecture


_ELF_MAGIC = b"\x7fELF"
_LITTLE_ENDIAN = 1
ELF_HEADER_BYTES = 20


def elf_machine(head: bytes) -> int | None:
    """`e_machine` of a file that begins with `head` (20 bytes are enough); None when it is no machine code."""
    if len(head) < ELF_HEADER_BYTES or not head.startswith(_ELF_MAGIC):
        return None
    return int.from_bytes(head[18:20], "little" if head[5] == _LITTLE_ENDIAN else "big")
