"""JSON to a message, strictly: what two parsers could read differently is refused.

The parts of a request, which may be long, are taken out of the text before it is read as JSON, so
that they are held once as text and once as bytes and never as Python's text, too.
"""

import binascii
import json
import math
import re

from edged.errors import BadRequest, TooLarge

Message = dict[str, object]

MOST_TEXT = 3 * 2**19
"""Bytes of a message without its parts. Measured: with one character beyond 16 bits in it, text takes
four times as much, twice; the host stays below 30 MB."""

MOST_VALUES = 100_000
"""Values in a message, about: an empty object of three bytes takes 64 in memory."""

_OPENING = re.compile(rb'"parts"\s*:\s*\[\s*')
_BETWEEN = re.compile(rb"\s*,?\s*")
_CLOSING = re.compile(rb"\s*\]\s*\}\s*")


def parse(data: bytearray) -> Message:
    """The object that UTF-8 JSON holds. Takes what it needs out of `data`, which is of no use after it.

    `parts` at the end of the message hold bytes, or None where they are no base64.

    Raises:
        BadRequest: no JSON, no object, a key twice, NaN or an infinity, too deep, not UTF-8.
        TooLarge: more than `MOST_TEXT` without the parts, or more than about `MOST_VALUES`.
    """
    parts = _lift(data)
    _check_size(data)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest("the message is not UTF-8") from error
    data.clear()
    message = _read(text)
    if not isinstance(message, dict):
        raise BadRequest("the message is no object")
    if parts is not None:
        if message.get("parts") != []:
            raise BadRequest("the parts of the message are not its own")
        message["parts"] = parts
    return message


def _lift(data: bytearray) -> list[bytes | None] | None:
    """Take the parts out of a message that ends with them; None: it does not.

    The name in its quotes cannot stand within a string. That it belongs to the message itself shows
    when the rest was read.
    """
    opening = _OPENING.match(data, max(0, data.rfind(b'"parts"')))
    if not opening:
        return None
    at = opening.end()
    parts: list[bytes | None] = []
    while data.startswith(b'"', at):
        end = data.find(b'"', at + 1)
        if end < 0:
            return None
        parts.append(_decoded(data, at + 1, end))
        between = _BETWEEN.match(data, end + 1)
        at = between.end() if between else end + 1
    if not _CLOSING.fullmatch(data, at):
        return None
    data[opening.end() :] = b"]}"
    return parts


def _decoded(data: bytearray, start: int, end: int) -> bytes | None:
    try:
        with memoryview(data) as view, view[start:end] as part:
            return binascii.a2b_base64(part, strict_mode=True)
    except ValueError:
        return None


def _check_size(data: bytearray) -> None:
    if len(data) > MOST_TEXT:
        raise TooLarge(
            f"a message of {len(data)} bytes without its parts",
            fix="put long values into parts, as the last field of the message",
            limit=MOST_TEXT,
        )
    if sum(map(data.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise TooLarge("a message of too many values", limit=MOST_VALUES)


def _read(text: str) -> object:
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        # Not its own words: they may quote the message.
        raise BadRequest(f"the message is not JSON (at character {error.pos})") from error
    except _Ambiguous as error:
        raise BadRequest(str(error)) from error
    except RecursionError as error:
        raise BadRequest("the message is nested too deeply") from error
    except ValueError as error:  # more digits than Python reads as a number
        raise BadRequest("the message holds a number that is too long") from error


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
