"""Irises in drawn eyes whose iris is moved by known pixels, as the graph itself sees them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from seers import spec_of

from edged.errors import CorruptModel
from edged.models.engines.seeing.iris import IRIS_POINTS, Irises

pytest.importorskip("ai_edge_litert")

EYE = 60
"""Pixels from corner to corner."""
IRIS = 12
"""Pixels of an iris's radius."""
SIZE = (120, 160)


@pytest.fixture(scope="module")
def irises(pulled: Path) -> Irises:
    return Irises(spec_of(pulled, "face-iris"))


def drawn_eye(moved_x: float, moved_y: float = 0.0) -> npt.NDArray[np.uint8]:
    """An open eye in the middle of a picture, its iris so many pixels from its middle."""
    high, wide = SIZE
    rows, columns = np.mgrid[0:high, 0:wide] + 0.5
    x, y = columns - wide / 2, rows - high / 2
    along = np.clip(1 - (2 * x / EYE) ** 2, 0, None)
    upper, lower = -0.19 * EYE * along, 0.15 * EYE * along
    opening = (np.abs(x) < EYE / 2) & (y > upper) & (y < lower)
    away = np.hypot(x - moved_x, y - moved_y)
    picture = np.full((high, wide, 3), (205, 160, 135), np.uint8)
    picture[opening] = (235, 232, 230)
    picture[opening & (away < IRIS)] = (90, 60, 40)
    picture[opening & (away < 0.45 * IRIS)] = (15, 12, 10)
    picture[(np.abs(x) < EYE / 2) & (np.abs(y - upper) < 1.6)] = (40, 25, 20)
    picture[(np.abs(x) < 0.55 * EYE) & (np.abs(y - upper + 0.28 * EYE) < 3)] = (50, 35, 25)
    return picture


def found_in(
    irises: Irises, picture: npt.NDArray[np.uint8], *, mirrored: bool = False
) -> npt.NDArray[np.float32]:
    """The iris of a drawn eye, in pixels from the picture's middle."""
    high, wide = SIZE
    first = np.array([wide / 2 - EYE / 2, high / 2], np.float32)
    last = np.array([wide / 2 + EYE / 2, high / 2], np.float32)
    found = irises.one(picture, first, last, mirrored=mirrored)
    return (found - (wide / 2, high / 2)).astype(np.float32)


@pytest.mark.parametrize("mirrored", [False, True])
def test_an_iris_is_found_where_it_was_moved_to(irises: Irises, *, mirrored: bool) -> None:
    """Measured: 2.0 pixels off at most, of an eye of 60."""
    moved = [-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0]

    found = [found_in(irises, drawn_eye(x), mirrored=mirrored)[0] for x in moved]

    off = np.array(found)[:, 0] - moved
    assert np.abs(off).max() < 2.5
    assert np.abs(np.array(found)[:, 1]).max() < 2
    assert (np.diff(np.array(found)[:, 0]) > 0).all()


def test_an_iris_that_moves_down_is_found_lower(irises: Irises) -> None:
    middle, lower = (found_in(irises, drawn_eye(0, y))[0, 1] for y in (0, 4))

    assert 1.5 < lower - middle < 6


@pytest.mark.parametrize("mirrored", [False, True])
def test_its_points_are_the_middle_then_right_top_left_and_bottom(
    irises: Irises, *, mirrored: bool
) -> None:
    found = found_in(irises, drawn_eye(0), mirrored=mirrored)

    middle, right, top, left, bottom = found
    assert found.shape == (IRIS_POINTS, 2)
    assert left[0] < middle[0] - 8
    assert right[0] > middle[0] + 8
    assert top[1] < middle[1] - 8
    assert bottom[1] > middle[1] + 8
    assert np.linalg.norm(found[1:] - middle, axis=1) == pytest.approx(IRIS, abs=2)


def test_a_mirrored_eye_has_a_mirrored_iris(irises: Irises) -> None:
    plain = found_in(irises, drawn_eye(6))
    mirrored = found_in(irises, np.ascontiguousarray(drawn_eye(6)[:, ::-1]), mirrored=True)

    np.testing.assert_allclose(mirrored[[0, 3, 2, 1, 4]] * (-1, 1), plain, atol=0.3)


def test_a_turned_eye_has_a_turned_iris(irises: Irises) -> None:
    """By a quarter, which loses nothing of the picture."""
    turned = np.ascontiguousarray(np.rot90(drawn_eye(6), -1))
    high, wide = SIZE
    top = np.array([high / 2, wide / 2 - EYE / 2], np.float32)
    bottom = np.array([high / 2, wide / 2 + EYE / 2], np.float32)

    found = irises.one(turned, top, bottom, mirrored=False) - (high / 2, wide / 2)

    plain = found_in(irises, drawn_eye(6))
    np.testing.assert_allclose(np.stack([found[:, 1], -found[:, 0]], 1), plain, atol=0.3)


@pytest.mark.parametrize("corner", [(0.0, 0.0), (-500.0, 900.0)])
def test_an_eye_outside_the_picture_or_without_length_gives_numbers(
    irises: Irises, corner: tuple[float, float]
) -> None:
    place = np.array(corner, np.float32)

    found = irises.one(drawn_eye(0), place, place, mirrored=False)

    assert np.isfinite(found).all()


def test_meshes_get_ten_points_each_and_none_gets_none(irises: Irises) -> None:
    picture = drawn_eye(0)
    meshes = np.full((2, 478, 3), 0.25, np.float32)

    found = irises.added(picture, meshes)

    assert found.shape == (2, 478, 3)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:, :468], meshes[:, :468])
    assert irises.added(picture, meshes[:0]).shape == (0, 478, 3)


def test_a_graph_of_something_else_is_refused(pulled: Path) -> None:
    spec = spec_of(pulled, "face-iris")
    other = spec_of(pulled, "face-detector-short-range")
    spec.files["iris.tflite"] = other.files["model.tflite"]

    with pytest.raises(CorruptModel, match="irises"):
        Irises(spec)


def edge_in(
    irises: Irises, picture: npt.NDArray[np.uint8], *, mirrored: bool = False
) -> npt.NDArray[np.float32]:
    """The edge of a drawn eye, in pixels from the picture's middle."""
    high, wide = SIZE
    first = np.array([wide / 2 - EYE / 2, high / 2], np.float32)
    last = np.array([wide / 2 + EYE / 2, high / 2], np.float32)
    found = irises.eye(picture, first, last, mirrored=mirrored)[IRIS_POINTS:]
    return (found - (wide / 2, high / 2)).astype(np.float32)


@pytest.mark.parametrize(("mirrored", "outer"), [(False, -1), (True, 1)])
def test_the_eyes_edge_begins_at_the_outer_corner_and_goes_along_the_lower_lid(
    irises: Irises, *, mirrored: bool, outer: int
) -> None:
    edge = edge_in(irises, drawn_eye(0), mirrored=mirrored)

    assert edge.shape == (16, 2)
    assert edge[0, 0] * outer > EYE / 4
    assert edge[8, 0] * outer < -EYE / 4
    assert edge[4, 1] == pytest.approx(0.15 * EYE, abs=4)
    assert edge[12, 1] == pytest.approx(-0.19 * EYE, abs=4)


def test_the_edge_of_a_shut_eye_is_flatter(irises: Irises) -> None:
    shut = drawn_eye(0)
    high, wide = SIZE
    rows, columns = np.mgrid[0:high, 0:wide] + 0.5
    x, y = columns - wide / 2, rows - high / 2
    lid = 0.15 * EYE * np.clip(1 - (2 * x / EYE) ** 2, 0, None)
    shut[(np.abs(x) < 0.6 * EYE) & (np.abs(y) < 0.22 * EYE)] = (205, 160, 135)
    shut[(np.abs(x) < EYE / 2) & (np.abs(y - lid) < 1.6)] = (40, 25, 20)

    heights = [
        edge[4, 1] - edge[12, 1] for edge in (edge_in(irises, shut), edge_in(irises, drawn_eye(0)))
    ]

    assert heights[0] < 0.7 * heights[1]


def test_the_edges_of_a_meshs_eyes_are_moved_to_where_they_are(irises: Irises) -> None:
    high, wide = SIZE
    mesh = np.full((468, 3), 0.5, np.float32)
    mesh[[33, 263], 0] = (0.5 - EYE / 2 / wide, 0.5 + EYE / 2 / wide)
    mesh[[133, 362], 0] = (0.5 + EYE / 2 / wide, 0.5 - EYE / 2 / wide)
    corners = mesh[[33, 133], :2] * (wide, high)

    found = irises.added(drawn_eye(0), mesh[None])[0]

    expected = irises.eye(drawn_eye(0), corners[0], corners[1], mirrored=False)[IRIS_POINTS:]
    np.testing.assert_allclose(
        found[[33, 145, 133, 159], :2] * (wide, high), expected[[0, 4, 8, 12]], atol=1e-3
    )
    np.testing.assert_array_equal(found[[1, 152, 10]], mesh[[1, 152, 10]])
    np.testing.assert_array_equal(found[:468, 2], mesh[:, 2])
