"""Who may ask what is said for every request, once."""

from typing import get_args

from edged.bridge.access import scopes
from edged.messages.access import SCOPES, Scope
from edged.messages.requests import AnyRequest


def test_every_request_is_in_exactly_one_table() -> None:
    tables = (scopes.STRANGERS, scopes.CLIENTS, scopes.ANY_OF.keys(), scopes.OWNER_ONLY)

    for kind in get_args(AnyRequest):
        assert sum(kind in table for table in tables) == 1, kind


def test_every_scope_opens_something() -> None:
    opened = frozenset().union(*scopes.ANY_OF.values(), scopes._CAPTURED.values())

    assert opened == set(SCOPES) == set(get_args(Scope))
