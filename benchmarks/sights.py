"""What is looked at: photographs, frames that move a little, and the models that were pulled for it."""

import os
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image

from benchmarks.served import Served
from edged.media import Picture
from edged.models.presets.pictures import pixels

ROOT = Path(__file__).parent.parent
ASSETS = Path(os.environ.get("EDGED_TEST_ASSETS", ROOT.parent / "shared" / "assets"))
PULLED = Path(
    os.environ.get("EDGED_TEST_MODELS", ROOT / ".venv" / ".edged" / "home" / "state" / "models")
)
"""Where `make models` puts the models that PyPI alone gives."""

WIDTH, HEIGHT = 640, 480
PHOTO_OF_ALL = "call__0413d5c5-f5ba-476f-a921-ea5e967692a9.jpg"
"""A man with a hand at his face: face, body and a hand at once."""

SWAY = 24
"""Pixels to each side that a moving camera swings over a photograph."""

Pixels = npt.NDArray[np.uint8]
"""RGB, rows from the top, shape (height, width, 3)."""


def photos() -> dict[str, Pixels]:
    """Every photograph by its file's name, upright; without the test assets only the astronaut."""
    folder = ASSETS / "media" / "images"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = {path.name: pixels(Picture(data=path.read_bytes())) for path in files}
    return found | {"astronaut": astronaut()}


def astronaut() -> Pixels:
    """A photograph that is in the public domain, 512 x 512."""
    found: Pixels = np.ascontiguousarray(
        skimage.data.astronaut()  # type: ignore[no-untyped-call] # the package has no types
    )
    return found


def person() -> Pixels:
    """One photograph that shows as much of a person as there is."""
    folder = ASSETS / "media" / "images" / "hands" / PHOTO_OF_ALL
    return pixels(Picture(data=folder.read_bytes())) if folder.exists() else astronaut()


@cache
def frames(count: int = 120) -> tuple[Pixels, ...]:
    """A camera of 640 x 480 that sways before a photograph: what is followed moves, and comes back."""
    wide, high = WIDTH + 2 * SWAY, HEIGHT + 2 * SWAY
    whole = np.asarray(Image.fromarray(person()).resize((wide, high), Image.Resampling.BICUBIC))
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    places = np.rint(SWAY * (1 + np.stack([np.sin(turns), np.cos(turns)]))).astype(int)
    return tuple(
        np.ascontiguousarray(whole[top : top + HEIGHT, left : left + WIDTH])
        for left, top in places.T
    )


def video() -> Path | None:
    """A film of people who come and go; None where the test assets are not."""
    path = ASSETS / "media" / "video" / "one-by-one-person-detection.mp4"
    return path if path.exists() else None


def model_file(model: str, name: str = "model.task") -> Path:
    """A file of a model that was pulled; it need not exist."""
    return PULLED / model / name


def stock(daemon: Served, *models: str) -> list[str]:
    """Put pulled models into a daemon's home before it starts; returns the ones that are not here."""
    daemon.paths.models.mkdir(parents=True, exist_ok=True)
    missing = [model for model in models if not (PULLED / model).is_dir()]
    for model in set(models) - set(missing):
        shutil.copytree(PULLED / model, daemon.paths.models / model, dirs_exist_ok=True)
    if (PULLED / "models.lock").exists():
        shutil.copyfile(PULLED / "models.lock", daemon.paths.models / "models.lock")
    for model in missing:
        print(f"{model} is not here, and what needs it is left out: `make models`")
    return missing
