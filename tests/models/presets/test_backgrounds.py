"""Pictures with another background."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from edged.errors import BadMedia, Unsupported
from edged.media import ImageFormat, Picture
from edged.models.presets.backgrounds import changed, people
from edged.models.runtime import Segmented
from edged.models.seeing import EffectOptions

WIDTH, HEIGHT = 96, 64
RED = (200, 30, 30)
BLUE = (20, 20, 160)


def _scene() -> Picture:
    """A red right half, which is somebody, before a blue and striped left half."""
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, :48] = BLUE
    pixels[:, :48:2] = (120, 120, 255)
    pixels[:, 48:] = RED
    return Picture(data=pixels.tobytes(), raw=ImageFormat(width=WIDTH, height=HEIGHT))


def _segmented(picture: Picture) -> Segmented:
    assert picture.raw is not None
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[:, 48:] = 255
    return Segmented(
        data=mask.tobytes(), kind="confidence", width=WIDTH, height=HEIGHT, labels=("person",)
    )


def _changed(effect: str, background: str = "#00ff00") -> tuple[str, npt.NDArray[np.int64]]:
    options = EffectOptions(effect=effect, background=background)  # type: ignore[arg-type] # by name
    found = changed(_segmented, _scene(), options)
    image = Image.open(io.BytesIO(found.data))
    assert (found.width, found.height) == image.size == (WIDTH, HEIGHT)
    assert found.computed_us > 0
    return found.media_type, np.asarray(image).astype(np.int64)


def test_another_colour_stands_behind_somebody_who_stays() -> None:
    media_type, pixels = _changed("replace")

    assert media_type == "image/jpeg"
    assert pixels[32, 8] == pytest.approx((0, 255, 0), abs=8)
    assert pixels[32, 88] == pytest.approx(RED, abs=8)


def test_a_blurred_background_has_no_stripes_and_somebody_stays_sharp() -> None:
    media_type, pixels = _changed("blur")

    assert media_type == "image/jpeg"
    assert np.ptp(pixels[32, 8:24, 0]) < 30
    assert pixels[32, 88] == pytest.approx(RED, abs=8)


def test_a_cut_out_is_clear_where_nobody_is() -> None:
    media_type, pixels = _changed("cutout")

    assert media_type == "image/png"
    assert pixels.shape == (HEIGHT, WIDTH, 4)
    assert pixels[32, 8, 3] < 10
    assert tuple(pixels[32, 88, :3]) == RED
    assert pixels[32, 88, 3] > 245


def test_of_several_classes_all_but_the_background_are_kept() -> None:
    classes = Segmented(
        data=bytes([0, 1, 2, 3]), kind="category", width=2, height=2,
        labels=("hair", "background", "skin", "clothes"),
    )  # fmt: skip

    assert people(classes).tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_a_mask_is_no_effect_and_a_damaged_picture_is_refused() -> None:
    with pytest.raises(Unsupported):
        changed(_segmented, _scene(), EffectOptions(effect="mask"))
    with pytest.raises(BadMedia):
        changed(_segmented, Picture(data=b"no picture"), EffectOptions(effect="blur"))
