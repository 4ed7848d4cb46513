"""Who may ask what is said for every request, once."""

from typing import get_args

from msgspec.structs import fields

from edged.bridge.access import scopes
from edged.messages.access import SCOPES, Scope
from edged.messages.requests import AnyRequest
from edged.messages.sessions import SourceWish, StreamOpen


def test_every_request_is_in_exactly_one_table() -> None:
    tables = (scopes.STRANGERS, scopes.CLIENTS, scopes.ANY_OF.keys(), scopes.OWNER_ONLY)

    for kind in get_args(AnyRequest):
        assert sum(kind in table for table in tables) == 1, kind


def test_every_scope_opens_something() -> None:
    opened = frozenset().union(*scopes.ANY_OF.values(), scopes._CAPTURED.values())

    assert opened == set(SCOPES) == set(get_args(Scope))


def test_every_kind_of_source_is_captured_by_a_scope_or_brought_by_the_client() -> None:
    """A new kind of device must not be opened by a scope that was not meant for it."""
    brought = {"client", "frames", "video", "session", "audio"}
    kinds = {*_kinds(SourceWish), *_kinds(StreamOpen)}

    assert kinds - brought == set(scopes._CAPTURED)


def _kinds(struct: type) -> tuple[str, ...]:
    return get_args(next(field.type for field in fields(struct) if field.name == "kind"))
