import pytest

from edged.service import callers
from edged.service.callers import Callers


def test_a_client_is_called_what_it_said_last() -> None:
    known = Callers()

    known.greet("link", "notes")
    known.greet("link", "captions")

    assert known.name("link") == "captions"
    assert known.name("another") == ""


def test_the_oldest_names_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "MOST_KNOWN", 2)
    known = Callers()

    for link in ("one", "two", "one", "three"):
        known.greet(link, f"client {link}")

    assert [known.name(link) for link in ("one", "two", "three")] == [
        "client one",
        "",
        "client three",
    ]
