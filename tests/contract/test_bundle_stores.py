from contextlib import suppress
from pathlib import Path

import pytest

from clipper_sls.adapters.local.bundle_directory import BundleDirectory
from clipper_sls.errors import ClipperError
from clipper_sls.testing.contracts.bundle_store import BundleStoreContract, chunks, good_tar
from clipper_sls.testing.signing import ANYBODY, ONLY_THE_TEST


class TestBundleDirectory(BundleStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> BundleDirectory:
        return BundleDirectory(tmp_path / "bundles", max_size_bytes=1_000_000, trust=lambda: ANYBODY)

    @pytest.fixture
    def strict_store(self, tmp_path: Path) -> BundleDirectory:
        return BundleDirectory(tmp_path / "bundles", max_size_bytes=1_000_000, trust=lambda: ONLY_THE_TEST)


@pytest.mark.parametrize("archive", [good_tar(), good_tar()[:1500], b""])
async def test_nothing_is_left_behind_but_the_bundle(tmp_path: Path, archive: bytes) -> None:
    store = BundleDirectory(tmp_path / "bundles", max_size_bytes=1_000_000, trust=lambda: ANYBODY)
    expected = []
    with suppress(ClipperError):
        expected = [(await store.put(chunks(archive))).digest]
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == expected
