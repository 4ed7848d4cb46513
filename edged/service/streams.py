"""`stream.*`: live captions of a client's own audio and of running sessions; what frames show."""

from collections.abc import AsyncGenerator, Sequence

from edged.messages import sessions
from edged.messages.replies import AnyReply, Done
from edged.messages.seeing import FrameTaken, StreamFrame
from edged.service import capturing
from edged.service.house import House

Buffer = bytes | memoryview
Parts = tuple[Buffer, ...]
Replies = AsyncGenerator[AnyReply | tuple[AnyReply, Sequence[Buffer]], None]


def open_stream(
    house: House, request: sessions.StreamOpen, _: Parts, caller: str
) -> Replies | AsyncGenerator[AnyReply, None]:
    """Captions, or sights, until the stream is closed."""
    if request.kind == "session":
        return house.following.follow(caller, request)
    owner = house.asker.client_id
    name = house.called(caller)
    if request.kind == "audio":
        return house.streams.open(caller, request, started_by=name, owner=owner)
    replies = house.sight_streams.open(caller, request, started_by=name, owner=owner)
    return capturing.noted(house, request.kind, replies)


def take(
    house: House, request: sessions.StreamAudio, parts: Parts, caller: str
) -> sessions.StreamTaken:
    """Take audio at once: the order in which it came is the order in which it is heard."""
    return house.streams.take(caller, request.stream, parts)


def take_frame(house: House, request: StreamFrame, parts: Parts, caller: str) -> FrameTaken:
    """Take a frame at once: of those that wait, the newest is looked at."""
    return house.sight_streams.take(caller, request, parts)


def close(house: House, request: sessions.StreamClose, _: Parts, caller: str) -> Done:
    """End a stream after what is left; its own last reply tells when."""
    following, sights = house.following, house.sight_streams
    if not following.close(caller, request.stream) and not sights.close(caller, request.stream):
        house.streams.close(caller, request.stream)
    return Done()
