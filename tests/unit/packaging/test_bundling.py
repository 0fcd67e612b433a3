"""What a bundle is made of."""

import functools
import hashlib
import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from clipper_sls.domain.bundle import CLOSURE_ENTRY, MANIFEST_NAME, NOOP_ENTRY, WARM_UP_FILE, Manifest
from clipper_sls.domain.envelope import unpack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidBundleError, InvalidSettingError
from clipper_sls.packaging.bundling import add_warm_up, bundle_builtin, bundle_closure, bundle_directory


def double(values: list[int]) -> list[int]:
    return [value * 2 for value in values]


class Doubler:
    def __call__(self, values: list[int]) -> list[int]:
        return double(values)

    def predict(self, values: list[int]) -> list[int]:
        return double(values)


def bundle(function: Callable[..., Any], folder: Path, **changes: Any) -> Manifest:
    fields: dict[str, Any] = {"name": "m", "version": "1", "input_type": "json"}
    return bundle_closure(function, **(fields | changes), destination=folder)


def loaded(folder: Path) -> Any:
    return pickle.loads((folder / "func.pkl").read_bytes())


def test_the_manifest_says_what_the_bundle_is(tmp_path: Path) -> None:
    manifest = bundle(double, tmp_path / "new" / "folder", input_type="ints", pkgs_to_install=["package-of-nobody"])
    content = (tmp_path / "new" / "folder" / "func.pkl").read_bytes()
    assert (manifest.name, manifest.version, manifest.input_type) == ("m", "1", "integers")
    assert manifest.entry == CLOSURE_ENTRY
    assert manifest.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert manifest.cloudpickle == cloudpickle.__version__
    assert manifest.pkgs_to_install == ("package-of-nobody",)
    assert manifest.requirements == ()
    assert manifest.files["func.pkl"].sha256 == hashlib.sha256(content).hexdigest()
    assert manifest.files["func.pkl"].size_bytes == len(content)


def test_the_manifest_in_the_folder_is_the_one_returned(tmp_path: Path) -> None:
    manifest = bundle(double, tmp_path)
    assert Manifest.from_json((tmp_path / MANIFEST_NAME).read_bytes()) == manifest


@pytest.mark.parametrize(
    "function",
    [double, lambda values: [value * 2 for value in values], Doubler(), Doubler().predict, functools.partial(double)],
    ids=["function", "lambda", "instance", "method", "partial"],
)
def test_everything_that_can_be_called_travels(function: Callable[..., Any], tmp_path: Path) -> None:
    bundle(function, tmp_path)
    assert loaded(tmp_path)([1, 2]) == [2, 4]


def test_the_users_modules_are_pickled_by_value_only_while_it_lasts(tmp_path: Path) -> None:
    bundle(double, tmp_path)
    assert cloudpickle.cloudpickle.list_registry_pickle_by_value() == set()
    assert b"double" in cloudpickle.dumps(double)


def test_one_function_gives_one_digest(tmp_path: Path) -> None:
    assert bundle(double, tmp_path / "a").digest == bundle(double, tmp_path / "b").digest


def test_another_function_gives_another_digest(tmp_path: Path) -> None:
    assert bundle(double, tmp_path / "a").digest != bundle(lambda values: values, tmp_path / "b").digest


def test_equal_classes_of_two_versions_stay_apart_in_one_process(tmp_path: Path) -> None:
    bundle(Doubler(), tmp_path / "1", version="1")
    bundle(Doubler(), tmp_path / "2", version="2")
    assert type(loaded(tmp_path / "1")) is not type(loaded(tmp_path / "2"))


def test_numpy_is_required_when_it_is_used(tmp_path: Path) -> None:
    import numpy as np

    weights = np.arange(3)
    assert bundle(lambda rows: rows @ weights, tmp_path).requirements == (f"numpy=={np.__version__}",)


def test_an_unknown_input_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingError, match="Invalid input type 'words'"):
        bundle(double, tmp_path, input_type="words")


def directory(source: Path, destination: Path, entry: str | None = None) -> Manifest:
    return bundle_directory(
        source,
        name="m",
        version="1",
        input_type="json",
        entry=entry,
        pkgs_to_install=("package-of-nobody",),
        destination=destination,
    )


def test_a_folder_with_a_function_is_bundled_as_it_is(tmp_path: Path) -> None:
    bundle(double, tmp_path / "made")
    (tmp_path / "made" / MANIFEST_NAME).unlink()
    (tmp_path / "made" / "weights").mkdir()
    (tmp_path / "made" / "weights" / "w.bin").write_bytes(b"weights")
    manifest = directory(tmp_path / "made", tmp_path / "bundle")
    assert manifest.entry == CLOSURE_ENTRY
    assert list(manifest.files) == ["func.pkl", "weights/w.bin"]
    assert manifest.pkgs_to_install == ("package-of-nobody",)
    assert (tmp_path / "bundle" / "weights" / "w.bin").read_bytes() == b"weights"


def test_the_requirements_of_a_saved_function_are_found_without_loading_it(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    trace = tmp_path / "trace"
    pickled = b"cmsgspec.json\nencode\n0cbuiltins\nopen\n(V%b\nVw\ntR." % bytes(trace)
    (tmp_path / "saved" / "func.pkl").write_bytes(pickled)
    requirements = directory(tmp_path / "saved", tmp_path / "bundle").requirements
    assert [text.partition("==")[0] for text in requirements] == ["msgspec"]
    assert not trace.exists()


def test_a_folder_without_a_function_needs_an_entry(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    with pytest.raises(InvalidBundleError, match=r"holds no func\.pkl"):
        directory(tmp_path / "saved", tmp_path / "bundle")
    assert directory(tmp_path / "saved", tmp_path / "bundle", entry=NOOP_ENTRY).entry == NOOP_ENTRY


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundleError, match="is not a folder"):
        directory(tmp_path / "absent", tmp_path / "bundle")


def test_a_folder_with_a_manifest_of_its_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / MANIFEST_NAME).write_text("{}")
    with pytest.raises(InvalidBundleError, match="rename that file"):
        directory(tmp_path / "saved", tmp_path / "bundle", entry=NOOP_ENTRY)


def test_a_builtin_is_nothing_but_a_manifest(tmp_path: Path) -> None:
    manifest = bundle_builtin(NOOP_ENTRY, name="m", version="1", input_type="doubles", destination=tmp_path)
    assert manifest.files == {}
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST_NAME]


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    bundle(double, tmp_path)
    with pytest.raises(InvalidBundleError, match="is not empty"):
        bundle(double, tmp_path)


def test_a_package_given_by_hand_is_not_required_in_another_version(tmp_path: Path) -> None:
    import numpy as np

    weights = np.arange(3)
    assert bundle(lambda rows: rows @ weights, tmp_path, pkgs_to_install=["numpy<2"]).requirements == ()


def test_warm_up_inputs_change_the_digest_and_nothing_else_of_the_function(tmp_path: Path) -> None:
    before = bundle(double, tmp_path)
    first, second = (add_warm_up(tmp_path, rows) for rows in ([b"1"], [b"1", b"2"]))
    assert Manifest.from_json((tmp_path / MANIFEST_NAME).read_bytes()) == second
    assert len({before.digest, first.digest, second.digest}) == 3
    assert {**second.files, **before.files} == second.files
    assert unpack_event(json.loads((tmp_path / WARM_UP_FILE).read_bytes())) == (InputType.JSON, [b"1", b"2"])


def test_warm_up_inputs_are_not_written_into_a_file_that_others_share(tmp_path: Path) -> None:
    original, linked = tmp_path / "original", tmp_path / "linked"
    digest = bundle(double, original).digest
    shutil.copytree(original, linked, copy_function=os.link)
    add_warm_up(linked, [b"1"])
    assert Manifest.from_json((original / MANIFEST_NAME).read_bytes()).digest == digest


def test_a_function_that_asks_for_its_file_is_told_where_it_was(tmp_path: Path) -> None:
    bundle(lambda values: [__file__ for _ in values], tmp_path)
    assert loaded(tmp_path)([1]) == [__file__]
