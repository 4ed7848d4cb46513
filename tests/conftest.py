"""What many tests need: a home of their own, and the shared assets when they are there."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edged.config import Paths, find_paths

ROOT = Path(__file__).parent.parent


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty EDGED_HOME with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="edged-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def paths(home: Path) -> Paths:
    """The folders of that home."""
    return find_paths({"EDGED_HOME": str(home)})


@pytest.fixture(scope="session")
def assets() -> Path:
    """Real models and media, when the folder is there."""
    folder = Path(os.environ.get("EDGED_TEST_ASSETS", ROOT.parent / "shared" / "assets"))
    if not folder.is_dir():
        pytest.skip("no test assets: set EDGED_TEST_ASSETS")
    return folder
