"""JSON to a message, strictly: what two parsers could read differently is refused.

The parts of a request, which may be long, are decoded before the rest is read as JSON, and in their
place: what they stand for is shorter than base64, so they take no memory but that of the message.
"""

import binascii
import json
import math
import re
from typing import NamedTuple

from edged.errors import BadRequest, TooLarge

Message = dict[str, object]

MOST_TEXT = 5 * 2**18
"""Bytes of a message without its parts. Measured: with one character beyond 16 bits in it, text takes
four times as much, twice; the host stays below 30 MB."""

MOST_VALUES = 100_000
"""Values in a message, about: an empty object of three bytes takes 64 in memory."""

BLOCK = 256 * 1024
"""Characters of base64 that are decoded at once."""

_OPENING = re.compile(rb'"parts"\s*:\s*\[\s*')
_BETWEEN = re.compile(rb"\s*,?\s*")
_CLOSING = re.compile(rb"\s*\]\s*\}\s*")


def parse(data: bytearray) -> Message:
    """The object that UTF-8 JSON holds. Uses up `data`: empties it, or keeps the parts in it.

    `parts` at the end of the message are views of bytes, or None where they are no base64.

    Raises:
        BadRequest: no JSON, no object, a key twice, NaN or an infinity, too deep, not UTF-8.
        TooLarge: more than `MOST_TEXT` without the parts, or more than about `MOST_VALUES`.
    """
    place = _place_of_parts(data)
    if place is None:
        _check_size(data)
        text = _text(data)
        data.clear()
        return _object(text)
    head = data[: place.start] + b"]}"
    _check_size(head)
    message = _object(_text(head))
    if message.get("parts") != []:
        raise BadRequest("the parts of the message are not its own")
    with memoryview(data) as view:
        message["parts"] = [_decoded(view[start:end]) for start, end in place.parts]
    return message


class _Place(NamedTuple):
    """Where the list of parts begins, and where each lies within its quotes."""

    start: int
    parts: list[tuple[int, int]]


def _place_of_parts(data: bytearray) -> _Place | None:
    """Where the parts of a message are that ends with them; None: it does not.

    The name in its quotes cannot stand within a string. That it belongs to the message itself shows
    when the rest was read.
    """
    opening = _OPENING.match(data, max(0, data.rfind(b'"parts"')))
    if not opening:
        return None
    at = opening.end()
    parts: list[tuple[int, int]] = []
    while data.startswith(b'"', at):
        end = data.find(b'"', at + 1)
        if end < 0:
            return None
        parts.append((at + 1, end))
        between = _BETWEEN.match(data, end + 1)
        at = between.end() if between else end + 1
    return _Place(opening.end(), parts) if _CLOSING.fullmatch(data, at) else None


def _decoded(part: memoryview) -> memoryview | None:
    """What base64 stands for, in its own place; None: it is none."""
    size = 0
    for at in range(0, len(part), BLOCK):
        try:
            block = binascii.a2b_base64(part[at : at + BLOCK], strict_mode=True)
        except ValueError:
            return None
        if size != at // 4 * 3:  # a block before this one ended in padding
            return None
        part[size : size + len(block)] = block
        size += len(block)
    return part[:size]


def _check_size(data: bytearray) -> None:
    if len(data) > MOST_TEXT:
        raise TooLarge(
            f"a message of {len(data)} bytes without its parts",
            fix="put long values into parts, as the last field of the message",
            limit=MOST_TEXT,
        )
    if sum(map(data.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise TooLarge("a message of too many values", limit=MOST_VALUES)


def _text(data: bytearray) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest("the message is not UTF-8") from error


def _object(text: str) -> Message:
    try:
        message = _decoder.decode(text)
    except json.JSONDecodeError as error:
        # Not its own words: they may quote the message.
        raise BadRequest(f"the message is not JSON (at character {error.pos})") from error
    except _Ambiguous as error:
        raise BadRequest(str(error)) from error
    except RecursionError as error:
        raise BadRequest("the message is nested too deeply") from error
    except ValueError as error:  # more digits than Python reads as a number
        raise BadRequest("the message holds a number that is too long") from error
    if not isinstance(message, dict):
        raise BadRequest("the message is no object")
    return message


class _Ambiguous(Exception):
    """What other parsers would read, but not all alike."""


def _unique(pairs: list[tuple[str, object]]) -> Message:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Ambiguous("the message names a key twice")
    return found


def _no_constant(_: str) -> float:
    raise _Ambiguous("the message holds a number that is none")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Ambiguous("the message holds a number that is too large")
    return number


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
)
