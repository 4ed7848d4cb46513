"""How a picture becomes one of another size, and where its points came from."""

import numpy as np
import pytest
from PIL import Image

from edged.models.presets.fitting import fitted, plan


def boxed(*box: float) -> "np.typing.NDArray[np.float32]":
    return np.array([box], np.float32)


def test_a_stretched_box_goes_back_by_both_scales() -> None:
    fit = plan((640, 480), (320, 320), "stretch")

    assert fit.back(boxed(0, 0, 320, 320)).tolist() == [[0, 0, 640, 480]]
    assert fit.back(boxed(160, 80, 240, 160)).tolist() == [[320, 120, 480, 240]]


def test_a_letterbox_keeps_the_proportions_and_lies_in_the_middle() -> None:
    fit = plan((640, 480), (320, 320), "letterbox")

    assert fit.target == (0, 40, 320, 280)
    assert fit.back(boxed(0, 40, 320, 280)).tolist() == [[0, 0, 640, 480]]
    assert fit.back(boxed(10, 50, 20, 60)).tolist() == [[20, 20, 40, 40]]


def test_a_box_that_reaches_into_the_bars_is_cut_at_the_pictures_border() -> None:
    fit = plan((640, 480), (320, 320), "letterbox")

    assert fit.back(boxed(-5, 0, 400, 320)).tolist() == [[0, 0, 640, 480]]


def test_a_crop_is_the_middle_and_its_boxes_are_moved_there() -> None:
    fit = plan((640, 480), (240, 240), "crop")

    assert fit.source == (80, 0, 560, 480)
    assert fit.back(boxed(0, 0, 240, 240)).tolist() == [[80, 0, 560, 480]]


def test_a_line_of_one_pixel_keeps_a_pixel_in_its_letterbox() -> None:
    fit = plan((5_000, 1), (100, 100), "letterbox")

    left, top, right, bottom = fit.target
    assert (left, right, bottom - top) == (0, 100, 1)


def test_the_bars_have_the_fill_and_the_middle_the_picture() -> None:
    image = Image.new("RGB", (4, 2), (10, 20, 30))
    fit = plan(image.size, (8, 8), "letterbox")

    found = np.asarray(
        fitted(image, fit, (8, 8), resampling=Image.Resampling.BILINEAR, fill=(114, 114, 114))
    )

    assert found[0, 0].tolist() == [114] * 3
    assert found[4, 4].tolist() == [10, 20, 30]
    assert (found == 114).all(axis=2).sum() == 8 * 4


def test_an_image_that_was_reduced_already_is_fitted_as_the_whole_picture() -> None:
    whole = Image.new("RGB", (400, 200))
    whole.paste((255, 255, 255), (200, 0, 400, 200))
    fit = plan(whole.size, (100, 100), "crop")

    def shown(image: Image.Image) -> list[int]:
        found = fitted(image, fit, (100, 100), resampling=Image.Resampling.BOX)
        return list(np.asarray(found)[50, :, 0])

    assert shown(whole.reduce(2)) == shown(whole) == [0] * 50 + [255] * 50


@pytest.mark.parametrize("way", ["stretch", "letterbox", "crop"])
def test_a_point_goes_there_and_back(way: "str") -> None:
    image = Image.new("RGB", (60, 40))
    image.paste((255, 255, 255), (24, 16, 36, 24))
    fit = plan(image.size, (120, 120), way)  # type: ignore[arg-type]  # one of the three ways

    small = fitted(image, fit, (120, 120), resampling=Image.Resampling.NEAREST)
    box = small.getbbox()

    assert box is not None
    assert fit.back(boxed(*box))[0] == pytest.approx([24, 16, 36, 24], abs=1)
