"""What heads of answers say is understood, and what they say wrongly is not believed."""

from datetime import UTC, datetime

import pytest
from urllib3 import HTTPHeaderDict

from edged.models.pull import answers
from edged.models.pull.answers import Span
from edged.models.pull.part import Mark


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("bytes 5-9/10", Span(5, 10, 10)),
        ("bytes 5-9/*", Span(5, 10, -1)),
        ("bytes */10", None),
        ("5-9/10", None),
        ("bytes 5-9/10, bytes 1-2/10", None),
        ("", None),
    ],
)
def test_the_span_of_a_206_is_read(said: str, found: Span | None) -> None:
    assert answers.span({"Content-Range": said}) == found


@pytest.mark.parametrize(
    ("said", "size"), [("bytes */10", 10), ("bytes */*", -1), ("bytes 1-2/10", -1), ("", -1)]
)
def test_the_size_of_a_416_is_read(said: str, size: int) -> None:
    assert answers.whole_size({"Content-Range": said}) == size


@pytest.mark.parametrize(
    ("said", "length"), [("10", 10), ("-1", -1), ("1e3", -1), ("9" * 30, -1), ("10, 10", -1)]
)
def test_a_length_is_a_number_or_nothing(said: str, length: int) -> None:
    assert answers.length({"Content-Length": said}) == length


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(said: str, seconds: float) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    assert answers.pause_s({"Retry-After": said}, now) == seconds


def test_only_a_strong_mark_may_stand_in_if_range() -> None:
    strong = answers.mark(HTTPHeaderDict(ETag='"x"', Last_Modified="y"), "source")
    weak = Mark(etag='W/"x"', modified="Sat, 21 Nov 2026 12:00:30 GMT")

    assert strong.condition == '"x"'
    assert weak.condition == "Sat, 21 Nov 2026 12:00:30 GMT"
    assert not Mark().condition
