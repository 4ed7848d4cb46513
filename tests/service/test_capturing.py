"""Which devices a client uses, and what it needs for them."""

from edged.bridge.access.scopes import captures
from edged.messages.sessions import SessionsStart, SourceWish, StreamOpen
from edged.service.capturing import CAPTURED


def test_what_is_noted_is_what_had_to_be_granted() -> None:
    kinds = ("microphone", "loopback", "client", "camera", "screen", "frames")
    for kind in kinds:
        needed = captures(SessionsStart(sources=(SourceWish(kind=kind),)))  # type: ignore[arg-type] # a literal

        assert needed == ({CAPTURED[kind]} if kind in CAPTURED else set())

    assert captures(StreamOpen(stream="s", kind="camera")) == {CAPTURED["camera"]}
