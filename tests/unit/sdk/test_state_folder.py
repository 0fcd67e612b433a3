"""Only a folder that the SDK made is ever deleted."""

from clipper_sls.sdk import state_folder


def test_a_folder_that_was_made_for_the_cluster_is_forgotten_as_a_whole(tmp_path):
    folder = tmp_path / "cluster"
    state_folder.mark_if_new(folder)
    (folder / "registry.sqlite3").touch()
    assert state_folder.forget(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_only_built_bundles_counts_as_new(tmp_path):
    (tmp_path / "cluster" / "built" / "ab").mkdir(parents=True)
    state_folder.mark_if_new(tmp_path / "cluster")
    assert state_folder.forget(tmp_path / "cluster")


def test_what_somebody_else_left_in_a_folder_is_kept(tmp_path):
    (tmp_path / "registry.sqlite3").touch()
    (tmp_path / "built").mkdir()
    state_folder.mark_if_new(tmp_path)
    assert not state_folder.forget(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["registry.sqlite3"]


def test_a_folder_that_is_not_there_is_no_error(tmp_path):
    assert not state_folder.forget(tmp_path / "absent")


def test_a_folder_that_somebody_wants_to_keep_is_kept(tmp_path):
    state_folder.mark_if_new(tmp_path / "cluster")
    state_folder.unmark(tmp_path / "cluster")
    assert not state_folder.forget(tmp_path / "cluster")
    assert (tmp_path / "cluster").exists()


def test_only_the_owner_may_look_into_a_folder(tmp_path):
    state_folder.mark_if_new(tmp_path / "cluster")
    assert (tmp_path / "cluster").stat().st_mode & 0o077 == 0
