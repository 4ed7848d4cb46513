"""Memory of closed graphs goes back where the C library can do that, and elsewhere nothing happens."""

import ctypes
import sys

import pytest

from edged.models.engines.seeing import memory


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_nothing_happens_on_other_systems(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: pytest.fail("there is no glibc"))

    memory.settle()
    memory.give_back()


def test_nothing_happens_with_another_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())

    memory.settle()
    memory.give_back()


def test_what_glibc_offers_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, tuple[int, ...]]] = []

    class Library:
        def mallopt(self, *arguments: int) -> None:
            called.append(("mallopt", arguments))

        def malloc_trim(self, *arguments: int) -> None:
            called.append(("malloc_trim", arguments))

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())

    memory.settle()
    memory.give_back()

    assert called == [
        ("mallopt", (-8, 1)),
        ("mallopt", (-3, memory.LARGE)),
        ("malloc_trim", (0,)),
    ]
