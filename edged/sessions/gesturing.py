"""When a hand of a session makes another gesture: told once it has lasted, not with every frame."""

from collections.abc import Mapping

from msgspec import Struct

HOLD_MS = 300
"""A gesture counts when it was the same for so long; as edged.vision.derived defines the track."""


class GestureChange(Struct, frozen=True, kw_only=True):
    """A hand (Left or Right) makes another gesture since at_ms; empty: none."""

    at_ms: int
    hand: str
    gesture: str
    before: str


class Gesturing:
    """Follows the gestures of both hands. No thread of its own, nothing but counting."""

    def __init__(self) -> None:
        self._told = {"Left": "", "Right": ""}
        self._new = {"Left": ("", 0), "Right": ("", 0)}

    def feed(self, at_ms: int, gestures: Mapping[str, str]) -> list[GestureChange]:
        """Take what the hands show in a frame; a hand that is not seen shows nothing."""
        changes = (self._feed(at_ms, hand, gestures.get(hand, "")) for hand in self._told)
        return [change for change in changes if change is not None]

    def end(self, at_ms: int) -> list[GestureChange]:
        """Nobody looks any more."""
        return [
            GestureChange(at_ms=at_ms, hand=hand, gesture="", before=before)
            for hand, before in self._told.items()
            if before
        ]

    def _feed(self, at_ms: int, hand: str, gesture: str) -> GestureChange | None:
        newest, since_ms = self._new[hand]
        if gesture != newest:
            self._new[hand] = (gesture, at_ms)
            return None
        before = self._told[hand]
        if gesture == before or at_ms - since_ms < HOLD_MS:
            return None
        self._told[hand] = gesture
        return GestureChange(at_ms=since_ms, hand=hand, gesture=gesture, before=before)
