"""Spans of time as people write them: `30d`, `12h`, `45m`, `90s`, `0`."""

import re
from typing import Final

from edged.errors import BadRequest

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPAN: Final = re.compile(r"([0-9]{1,9})([smhdw]?)")


def seconds(text: str) -> int:
    """A span in seconds; a number alone is in seconds too.

    Raises:
        BadRequest: it is no span.
    """
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise BadRequest(
            "that is no span of time",
            fix="write 90s, 45m, 12h, 30d or 4w; 0 for one without an end",
        )
    return int(found[1]) * _UNITS[found[2] or "s"]
