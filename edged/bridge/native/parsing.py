"""JSON to a message, strictly: what two parsers could read differently is refused."""

import json
import math

from edged.errors import BadRequest

Message = dict[str, object]


def parse(data: bytearray) -> Message:
    """The object that UTF-8 JSON holds. Empties `data`, so that a long text is held only once.

    Raises:
        BadRequest: no JSON, no object, a key twice, NaN or an infinity, too deep, not UTF-8.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest("the message is not UTF-8") from error
    data.clear()
    try:
        message = _decoder.decode(text)
    except json.JSONDecodeError as error:
        # Not its own text: that of some Python versions quotes the message.
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
