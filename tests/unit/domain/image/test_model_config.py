from dataclasses import replace

import pytest

from clipper_sls.domain.bundle import CLOSURE_ENTRY, NOOP_ENTRY, BundledFile, Manifest
from clipper_sls.domain.image.contents import WEIGHT_BYTES, LayerKind, comment_of, split_bundle
from clipper_sls.domain.image.digests import digest_of
from clipper_sls.domain.image.documents import ContainerConfig, HistoryEntry, ImageConfig, RootFilesystem, to_json
from clipper_sls.domain.image.model_config import (
    BUNDLE_DIGEST_LABEL,
    ENTRYPOINT,
    AddedLayer,
    check_base,
    model_config,
    with_variables,
)
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.errors import InvalidSettingError

MODEL = Manifest("digits", "2", "doubles", CLOSURE_ENTRY, "3.11", "3.1.2")
BASE = ImageConfig(
    "amd64",
    "linux",
    RootFilesystem("layers", (digest_of(b"base"),)),
    created="2026-01-01T00:00:00Z",
    config=ContainerConfig(
        user="root",
        env=("PATH=/usr/local/bin:/bin", "HOME=/root", "PYTHON_VERSION=3.11.9"),
        entrypoint=("/entry.sh",),
        cmd=("python3",),
        labels={"maintainer": "somebody"},
    ),
    history=(HistoryEntry(created_by="base"),),
)
ADDED = [AddedLayer(digest_of(b"ours"), comment_of(LayerKind.CODE))]


def _config(base: ImageConfig = BASE) -> ImageConfig:
    return model_config(base, MODEL, Platform.AMD64, ADDED, "0.1.0")


def _variables(config: ImageConfig) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in config.config.env or ())


def test_layers_of_ours_lie_on_those_of_the_base() -> None:
    config = _config()
    assert config.rootfs.diff_ids == (digest_of(b"base"), digest_of(b"ours"))
    assert [entry.created_by for entry in config.history] == ["base", "clipper-sls: code"]


def test_the_image_starts_the_runtime_as_nobody_in_particular() -> None:
    container = _config().config
    assert container.entrypoint == ENTRYPOINT
    assert container.cmd is None
    assert container.user.split(":")[0] not in ("", "0", "root")


def test_whatever_a_library_writes_goes_to_tmp() -> None:
    found = _variables(_config())
    written = ("HOME", "HF_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "JOBLIB_TEMP_FOLDER", "TORCH_HOME")
    assert [found[name].split("/")[1] for name in written] == ["tmp"] * len(written)


def test_variables_of_the_base_stay_where_ours_are_not_meant() -> None:
    assert _variables(_config())["PATH"] == "/usr/local/bin:/bin"
    assert with_variables(("A=1", "B=2=2", "A=3"), {"A": "4"}) == ("B=2=2", "A=4")


def test_labels_name_the_model_and_the_bundles_digest() -> None:
    found = _config().config.labels or {}
    assert found[BUNDLE_DIGEST_LABEL] == MODEL.digest == _variables(_config())["CLIPPER_BUNDLE_DIGEST"]
    assert found["clipper-sls.model"] == "digits"
    assert found["maintainer"] == "somebody"


def test_equal_images_are_equal_bytes_whenever_they_are_built() -> None:
    assert to_json(_config()) == to_json(_config())
    assert _config().created == "1970-01-01T00:00:00Z"


def test_a_base_for_another_platform_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="is for linux/amd64, not for linux/arm64"):
        check_base(BASE, MODEL, Platform.ARM64, "base")


def test_a_base_with_another_python_is_refused_where_it_tells() -> None:
    check_base(BASE, MODEL, Platform.AMD64, "base")
    other = replace(MODEL, python="3.13")
    with pytest.raises(InvalidSettingError, match=r"Python 3\.11.*pickled by Python 3\.13.*python:3\.13-slim"):
        check_base(BASE, other, Platform.AMD64, "base")
    check_base(BASE, replace(other, entry=NOOP_ENTRY), Platform.AMD64, "base")
    silent = ImageConfig("amd64", "linux", BASE.rootfs)
    check_base(silent, other, Platform.AMD64, "base")


def test_large_files_are_weights_and_the_rest_is_code() -> None:
    files = {
        "func.pkl": BundledFile("0" * 64, WEIGHT_BYTES - 1),
        "model.bin": BundledFile("1" * 64, WEIGHT_BYTES),
        "modules/a.py": BundledFile("2" * 64, 10),
    }
    split = split_bundle(replace(MODEL, files=files), is_signed=False)
    assert split.weights == ("model.bin",)
    assert split.code == ("func.pkl", "manifest.json", "modules/a.py")
