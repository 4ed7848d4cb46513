"""`stream.*`: live captions of a client's own audio, and of running sessions."""

from collections.abc import AsyncGenerator

from edged.messages import sessions
from edged.messages.replies import AnyReply, Done
from edged.service.house import House

Parts = tuple[bytes | memoryview, ...]


def open_stream(
    house: House, request: sessions.StreamOpen, _: Parts, caller: str
) -> AsyncGenerator[AnyReply, None]:
    """Captions until the stream is closed."""
    if request.kind == "session":
        return house.following.follow(caller, request)
    return house.streams.open(caller, request, started_by=house.clients.name(caller))


def take(
    house: House, request: sessions.StreamAudio, parts: Parts, caller: str
) -> sessions.StreamTaken:
    """Take audio at once: the order in which it came is the order in which it is heard."""
    return house.streams.take(caller, request.stream, parts)


def close(house: House, request: sessions.StreamClose, _: Parts, caller: str) -> Done:
    """End a stream after what is left; its own last reply tells when."""
    if not house.following.close(caller, request.stream):
        house.streams.close(caller, request.stream)
    return Done()
