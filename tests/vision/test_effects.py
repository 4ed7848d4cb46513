"""Effects over masks: edges, blur, backgrounds, cut-outs."""

import numpy as np
import numpy.typing as npt
import pytest

from edged.vision import effects

EDGE = 53
"""Column at which the drawn person begins; no multiple of anything."""


def scene(height: int = 120, width: int = 160) -> npt.NDArray[np.uint8]:
    """A light person on the right of a dark room, with a little noise."""
    noise = np.random.default_rng(5).integers(-3, 4, (height, width, 3))
    pixels = np.full((height, width, 3), (40, 60, 50), np.int64)
    pixels[:, EDGE:] = (200, 180, 170)
    return (pixels + noise).clip(0, 255).astype(np.uint8)


def truth(height: int = 120, width: int = 160) -> npt.NDArray[np.float32]:
    mask = np.zeros((height, width), np.float32)
    mask[:, EDGE:] = 1.0
    return mask


def test_a_coarse_mask_gets_the_edges_of_the_picture() -> None:
    coarse = np.zeros((30, 40), np.float32)
    coarse[:, EDGE // 4 :] = 1.0
    plain = np.repeat(np.repeat(coarse, 4, axis=0), 4, axis=1)

    fine = effects.upsample(coarse, scene())

    assert fine.dtype == np.float32
    assert np.abs(fine - truth()).mean() < np.abs(plain - truth()).mean() / 2
    assert fine[:, EDGE + 1].min() > 0.8
    assert fine[:, EDGE - 2].max() < 0.2


@pytest.mark.parametrize("size", [(120, 160), (30, 40), (17, 23), (256, 256), (1, 1)])
def test_a_mask_of_any_size_is_taken_and_stays_in_its_range(size: tuple[int, int]) -> None:
    mask = np.random.default_rng(1).random(size, dtype=np.float32)

    fine = effects.upsample(mask, scene())

    assert fine.shape == (120, 160)
    assert fine.min() >= 0.0
    assert fine.max() <= 1.0


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (121, 83)])
def test_pictures_of_odd_sizes_keep_them(size: tuple[int, int]) -> None:
    pixels = np.full((*size, 3), 90, np.uint8)
    mask = np.ones(size, np.float32)

    assert effects.upsample(mask, pixels).shape == size
    assert effects.blur(pixels, mask).shape == (*size, 3)
    assert effects.replace(pixels, mask, "#102030").shape == (*size, 3)
    assert effects.cutout(pixels, mask).shape == (*size, 4)


def test_a_mask_without_edges_stays_as_it_is() -> None:
    fine = effects.upsample(np.full((20, 20), 0.5, np.float32), scene())

    assert np.abs(fine - 0.5).max() < 0.01


def test_a_blurred_background_leaves_the_foreground_alone() -> None:
    pixels = scene()
    pixels[60:, :EDGE] = (220, 220, 0)

    blurred = effects.blur(pixels, truth(), radius=12)

    assert np.abs(blurred[:, EDGE:].astype(int) - pixels[:, EDGE:]).max() <= 1
    lightness = blurred[:, 5].mean(axis=1)
    assert np.abs(np.diff(lightness)).max() < 12
    assert lightness[100] - lightness[10] > 60


def test_the_foreground_is_not_smeared_into_the_background() -> None:
    blurred = effects.blur(scene(), truth(), radius=20)

    assert np.abs(blurred[:, :EDGE].astype(int) - (40, 60, 50)).max() < 12


def test_a_background_is_replaced_by_a_colour() -> None:
    replaced = effects.replace(scene(), truth(), "#0080ff")

    assert (replaced[:, :EDGE] == (0, 128, 255)).all()
    assert (replaced[:, EDGE:] == scene()[:, EDGE:]).all()


def test_half_of_a_pixel_is_half_of_both_colours() -> None:
    pixels = np.full((4, 4, 3), 200, np.uint8)

    replaced = effects.replace(pixels, np.full((4, 4), 0.5, np.float32), "#000000")

    assert (replaced == 100).all()


def test_a_cutout_has_the_mask_as_its_alpha() -> None:
    cut = effects.cutout(scene(), truth())

    assert (cut[..., :3] == scene()).all()
    assert (cut[:, :EDGE, 3] == 0).all()
    assert (cut[:, EDGE:, 3] == 255).all()


def test_nothing_changes_the_picture_that_was_given() -> None:
    pixels, mask = scene(), truth()

    effects.upsample(mask, pixels)
    effects.blur(pixels, mask)
    effects.replace(pixels, mask, "#ffffff")
    effects.cutout(pixels, mask)

    assert (pixels == scene()).all()
    assert (mask == truth()).all()
