"""What the heads of HTTP answers mean for a download; no network in here."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct

from edged.models.pull.part import Mark

REDIRECTS = frozenset({301, 302, 303, 307, 308})
LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
"""The same question may be answered in a while. Source: RFC 9110, 15.5 and 15.6; RFC 6585."""

LONGEST_PAUSE_S = 120.0
"""A server that asks for more is not waited for."""


class Span(Struct, frozen=True):
    """A part of a file: its first byte, the one after its last, the file's size; -1: unknown."""

    start: int
    end: int
    total: int


def span(headers: Mapping[str, str]) -> Span | None:
    """What a 206 holds; None when it does not say so in a way that can be used.

    Source: RFC 9110, 14.4.
    """
    said = headers.get("Content-Range", "")
    if found := re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", said.strip()):
        total = -1 if found[3] == "*" else int(found[3])
        return Span(int(found[1]), int(found[2]) + 1, total)
    return None


def whole_size(headers: Mapping[str, str]) -> int:
    """The file's size as a 416 says it; -1 when it does not."""
    found = re.fullmatch(r"bytes \*/(\d+)", headers.get("Content-Range", "").strip())
    return int(found[1]) if found else -1


def length(headers: Mapping[str, str]) -> int:
    """How many bytes the body has; -1 when nobody says so."""
    said = headers.get("Content-Length", "").strip()
    return int(said) if re.fullmatch(r"\d{1,18}", said) else -1


def is_chunked(headers: Mapping[str, str]) -> bool:
    """Whether the end of the body can be told from a cut without its length."""
    return "chunked" in headers.get("Transfer-Encoding", "").lower()


def is_encoded(headers: Mapping[str, str]) -> bool:
    """Whether the body is compressed although nobody asked for it."""
    return headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}


def mark(headers: Mapping[str, str], source: str) -> Mark:
    """By what this content can be recognised when it is asked for again."""
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    return Mark(source=source, etag=etag[:200], modified=modified[:100])


def pause_s(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """How long the server asks to wait, in seconds; 0 when it does not say.

    Source: RFC 9110, 10.2.3: seconds, or a date.
    """
    said = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", said):
        return float(said)
    try:
        then = parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    moment = now or datetime.now(UTC)
    return max(0.0, (then.astimezone(UTC) - moment).total_seconds())
