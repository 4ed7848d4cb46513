"""What many tests need: a home of their own, and the shared assets when they are there."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="session")
def pulled() -> Path:
    """The models folder with the embedded defaults, as `make models` pulled them; only to be read.

    EDGED_TEST_MODELS names another one. To use it in a home: `stock_up`.
    """
    default = ROOT / ".venv" / ".edged" / "home" / "state" / "models"
    folder = Path(os.environ.get("EDGED_TEST_MODELS", default))
    if not folder.is_dir():
        pytest.skip("the embedded models are not here: `make models`, or set EDGED_TEST_MODELS")
    return folder


@pytest.fixture
def stock_up(pulled: Path) -> Callable[..., None]:
    """Puts pulled models into a home's models folder: `stock_up(paths.models, "some-model")`.

    By links where the disk has them; skips when a model was not pulled.
    """

    def stock(models: Path, *wanted: str) -> None:
        for model in wanted:
            if not (pulled / model).is_dir():
                pytest.skip(f"{model} was not pulled: `make models`")
            shutil.copytree(pulled / model, models / model, copy_function=_link_or_copy)
        if (pulled / "models.lock").exists():
            shutil.copyfile(pulled / "models.lock", models / "models.lock")

    return stock


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
