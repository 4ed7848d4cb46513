import struct
from math import inf, nan

import pytest

from edged.errors import BadRequest
from edged.speech.voices import average, similarity


def _vector(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def test_an_average_lies_between_and_has_length_one() -> None:
    found = struct.unpack("<2f", average([_vector(1, 0), _vector(0, 1)]))

    assert found == pytest.approx((2**-0.5, 2**-0.5))


def test_the_same_voice_is_similar_whatever_its_length() -> None:
    assert similarity(_vector(3, 4), _vector(6, 8)) == pytest.approx(1)
    assert similarity(_vector(1, 0), _vector(0, 5)) == pytest.approx(0)
    assert similarity(_vector(1, 0), _vector(-1, 0)) == pytest.approx(-1)


def test_nothing_is_similar_to_no_voice() -> None:
    assert similarity(_vector(0, 0), _vector(1, 0)) == 0
    assert similarity(_vector(nan, 0), _vector(1, 0)) == 0


@pytest.mark.parametrize(
    "vectors",
    [
        [b""],
        [b"abc"],
        [_vector(0, 0)],
        [_vector(nan, 1)],
        [_vector(inf, 1)],
        [_vector(1, 0), _vector(-1, 0)],
        [_vector(1, 0), _vector(1, 0, 0)],
    ],
)
def test_what_has_no_direction_is_refused(vectors: list[bytes]) -> None:
    with pytest.raises(BadRequest):
        average(vectors)


def test_voices_of_different_models_are_not_compared() -> None:
    with pytest.raises(BadRequest):
        similarity(_vector(1, 0), _vector(1, 0, 0))
