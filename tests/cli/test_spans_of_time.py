"""Spans of time as people write them."""

import pytest

from edged.cli.spans import seconds
from edged.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("45m", 2700),
        ("12h", 43_200),
        ("30d", 2_592_000),
        (" 4W ", 2_419_200),
    ],
)
def test_a_span_has_a_number_and_perhaps_a_unit(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "d", "-1d", "1.5h", "1y", "30 d", "1d12h", "9" * 10, "٣d"])
def test_anything_else_is_no_span(text: str) -> None:
    with pytest.raises(BadRequest):
        seconds(text)
