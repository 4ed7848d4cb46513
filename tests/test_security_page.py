"""docs/SECURITY.md is true: its tables of scopes are the code's."""

import re
from pathlib import Path

from edged.bridge.access.scopes import ANY_OF, CLIENTS, OWNER_ONLY, STRANGERS
from edged.messages.access import SCOPES

PAGE = (Path(__file__).parent.parent / "docs" / "SECURITY.md").read_text()
ROWS = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
WORD = re.compile(r"`([^`]+)`")


def _tags(kinds: frozenset[type]) -> set[str]:
    return {str(kind.__struct_config__.tag) for kind in kinds}  # type: ignore[attr-defined] # structs all


def _requests(row: str) -> list[str]:
    (requests,) = (requests for first, requests in ROWS if first == row)
    return WORD.findall(requests)


def test_every_scope_is_explained_once_and_in_order() -> None:
    explained = [WORD.findall(first) for first, text in ROWS if text and not text.startswith("`")]

    assert [names[0] for names in explained if names and names[0] in SCOPES] == list(SCOPES)


def test_what_each_request_needs_is_what_the_code_asks_for() -> None:
    written = {
        request: frozenset(WORD.findall(first))
        for first, requests in ROWS
        if first.startswith("`") and requests.startswith("`")
        for request in WORD.findall(requests)
    }

    needed = {
        str(kind.__struct_config__.tag): need  # type: ignore[attr-defined] # structs all
        for kind, need in ANY_OF.items()
    }
    assert written == needed


def test_what_needs_no_scope_and_what_nobody_else_may_are_the_codes() -> None:
    assert set(_requests("nobody's")) == _tags(STRANGERS)
    assert set(_requests("approved, whatever its scopes")) == _tags(CLIENTS)
    assert set(_requests("the user alone")) == _tags(OWNER_ONLY)


def test_no_request_is_listed_twice() -> None:
    listed = [
        one for _, requests in ROWS if requests.startswith("`") for one in WORD.findall(requests)
    ]

    assert len(listed) == len(set(listed))
