"""The types every message is made of: bounded integers, ids, and the two struct bases."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

MAX_INTEGER = 2**53
"""No integer on the wire passes this: JavaScript's numbers are exact up to it."""

Count = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Milliseconds = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]
ModelId = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Language = Annotated[
    str, Meta(min_length=2, max_length=8, pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")
]
Path = Annotated[str, Meta(min_length=1, max_length=4096)]
Timestamp = str
"""UTC, ISO 8601 with milliseconds: 2026-11-21T08:00:00.000Z."""

Priority = Literal["interactive", "session", "batch"]
PRIORITIES: tuple[Priority, ...] = ("interactive", "session", "batch")
"""Most urgent first."""


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What a client asks; `type` names it. An unknown field is an error, never ignored."""


class Reply(Struct, frozen=True, kw_only=True, tag_field="type"):
    """What the daemon answers; clients ignore fields that they do not know."""


class Record(Struct, frozen=True, kw_only=True):
    """A thing that replies and events carry."""
