"""Packages for another platform, from wheels made here: no index is asked."""

from pathlib import Path

import pytest

from clipper_sls.adapters.oci.bytecode import compiled
from clipper_sls.adapters.oci.tar_stream import FileEntry
from clipper_sls.adapters.oci.uv_command import Uv
from clipper_sls.adapters.oci.wheels import Installed, installed_in
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.image_errors import ImageBuildError
from clipper_sls.testing.images import only_wheels_in, wheel

AMD64_CODE = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00" + bytes(40)
ARM64_CODE = AMD64_CODE[:18] + b"\xb7\x00" + AMD64_CODE[20:]
SOURCES = {
    "tinypackage.py": b"X = {'b', 'a', None, 1.5}\n",
    "tiny/part.py": b"def f(x):\n    return x in {'a', None}\n",
}


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where packages are."""
    folder = tmp_path / "wheels"
    for variable, value in only_wheels_in(folder).items():
        monkeypatch.setenv(variable, value)
    return folder


def _installed(folder: Path, platform: Platform = Platform.AMD64, package: str = "tinypackage==1.0") -> Installed:
    uv = Uv(platform, "3.11", 60)
    uv.install(uv.resolved([package], (), folder.with_name(f"{folder.name}-scratch")), folder)
    return installed_in(folder, platform, "")


def _content(entry: FileEntry) -> bytes:
    return entry.source if isinstance(entry.source, bytes) else entry.source.read_bytes()


def test_a_package_is_its_files_without_what_names_this_machine(wheels: Path, tmp_path: Path) -> None:
    wheel(wheels, SOURCES)
    installed = _installed(tmp_path / "a")
    assert {path for path in installed.files if "dist-info" not in path} == set(SOURCES)
    assert installed.owners["tiny/part.py"] == "tinypackage 1.0"
    for entry in installed.files.values():
        assert str(tmp_path).encode() not in _content(entry)
        assert b"bin/tinypackage-run" not in _content(entry)


def test_what_runs_a_packages_own_tests_and_what_they_read_is_left_out(wheels: Path, tmp_path: Path) -> None:
    kept = dict.fromkeys(("tiny/tests/helpers.py", "tiny/test_data.py", "tiny/data/a.csv", "tiny/testing/x.py"), b"")
    left_out = dict.fromkeys(("tiny/tests/test_a.py", "tiny/tests/deep/test_b.py", "tiny/tests/data/c.npz"), b"")
    wheel(wheels, {**SOURCES, **kept, **left_out})
    installed = _installed(tmp_path / "a")
    assert {path for path in installed.files if "dist-info" not in path} == {*SOURCES, *kept}
    record = _content(installed.files["tinypackage-1.0.dist-info/RECORD"]).decode()
    assert [path for path in {**kept, **left_out} if f"{path}," in record] == list(kept)


def test_packages_are_the_same_in_another_folder(wheels: Path, tmp_path: Path) -> None:
    wheel(wheels, SOURCES)
    found = [_installed(tmp_path / name).files for name in ("a", "longer/name")]
    assert len({tuple((path, _content(entry)) for path, entry in files.items()) for files in found}) == 1


@pytest.mark.parametrize(
    ("platform", "tag"),
    [(Platform.AMD64, "cp311-cp311-manylinux_2_17_x86_64"), (Platform.ARM64, "cp311-cp311-manylinux_2_28_aarch64")],
)
def test_wheels_are_those_of_the_platform_and_not_of_this_machine(
    wheels: Path, tmp_path: Path, platform: Platform, tag: str
) -> None:
    code = {Platform.AMD64: AMD64_CODE, Platform.ARM64: ARM64_CODE}
    wheel(wheels, {"fast.so": AMD64_CODE}, tag="cp311-cp311-manylinux_2_17_x86_64")
    wheel(wheels, {"fast.so": ARM64_CODE}, tag="cp311-cp311-manylinux_2_28_aarch64")
    installed = _installed(tmp_path / "a", platform)
    assert _content(installed.files["fast.so"]) == code[platform]
    assert f"Tag: {tag}".encode() in _content(installed.files["tinypackage-1.0.dist-info/WHEEL"])


def test_a_wheel_whose_machine_code_is_for_another_platform_is_refused(wheels: Path, tmp_path: Path) -> None:
    wheel(wheels, {"fast.so": ARM64_CODE}, tag="cp311-cp311-manylinux_2_17_x86_64")
    with pytest.raises(
        ImageBuildError, match=r"tinypackage 1\.0 is not for linux/amd64: fast\.so .*machine 183, not 62"
    ):
        _installed(tmp_path / "a")


def test_a_wheel_that_also_has_code_for_another_platform_passes(wheels: Path, tmp_path: Path) -> None:
    wheel(wheels, {"a.so": ARM64_CODE, "b.so": AMD64_CODE})
    assert {"a.so", "b.so"} <= _installed(tmp_path / "a").files.keys()


@pytest.mark.parametrize(
    ("tag", "package"),
    [
        ("cp311-cp311-manylinux_2_28_aarch64", "tinypackage==1.0"),
        ("cp312-cp312-manylinux_2_28_x86_64", "tinypackage==1.0"),
        ("py3-none-any", "tinypackage==2.0"),
        ("py3-none-any", "not a requirement"),
    ],
)
def test_what_has_no_wheel_for_the_platform_is_told_with_what_to_try(
    wheels: Path, tmp_path: Path, tag: str, package: str
) -> None:
    wheel(wheels, SOURCES, tag=tag)
    with pytest.raises(
        ImageBuildError, match=r"(?s)no packages for Python 3\.11 on linux/amd64 with .*UV_DEFAULT_INDEX"
    ):
        _installed(tmp_path / "a", package=package)


def test_sources_of_a_package_are_not_built(wheels: Path, tmp_path: Path) -> None:
    import io
    import tarfile

    with tarfile.open(wheels / "tinypackage-1.0.tar.gz", "w:gz") as tar:
        content = b"raise SystemExit('built')\n"
        member = tarfile.TarInfo("tinypackage-1.0/setup.py")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    with pytest.raises(ImageBuildError, match="each needs a wheel"):
        _installed(tmp_path / "a")


def test_fetching_that_takes_too_long_is_given_up(wheels: Path, tmp_path: Path) -> None:
    wheel(wheels, SOURCES)
    with pytest.raises(ImageBuildError, match=r"took longer than 0\.001 s"):
        Uv(Platform.AMD64, "3.11", 0.001).resolved(["tinypackage==1.0"], (), tmp_path)


def test_of_what_was_resolved_no_other_file_is_installed(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(wheels, SOURCES)
    uv = Uv(Platform.AMD64, "3.11", 60)
    resolved = uv.resolved(["tinypackage"], ["tinypackage==1.0"], tmp_path / "scratch")
    assert resolved.startswith("tinypackage==1.0 ")
    path.unlink()
    wheel(wheels, {**SOURCES, "added.py": b""})
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another cache"))  # else uv has the right one still
    with pytest.raises(ImageBuildError, match="hash"):
        uv.install(resolved, tmp_path / "a")


def test_bytecode_is_the_same_wherever_it_is_compiled_and_names_where_it_will_lie(tmp_path: Path) -> None:
    found = []
    for name in ("a", "another/folder"):
        folder = tmp_path / name
        for path, content in SOURCES.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        files = compiled(folder, SOURCES, "srv/here", tmp_path / "scratch" / name)
        found.append({path: _content(entry) for path, entry in files.items()})
    assert found[0] == found[1]
    assert len(found[0]) == len(SOURCES)
    for content in found[0].values():
        assert content[4:8] == b"\x01\x00\x00\x00"  # PEP 552: by hash, and never checked
        assert b"/srv/here/tiny" in content


def test_what_does_not_compile_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("print 'Python 2'\n")
    (tmp_path / "new.py").write_text("x = 1\n")
    files = compiled(tmp_path, ["old.py", "new.py", "data.txt"], "srv/here", tmp_path / "scratch")
    assert [Path(name).name.partition(".")[0] for name in files] == ["new"]
    assert compiled(tmp_path, ["data.txt"], "srv/here", tmp_path / "scratch") == {}
