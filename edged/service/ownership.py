"""What clients may name: things of their own, and no files of this machine.

One guard stands before every request of a client, so that no single answer has to think of it. What
belongs to somebody else is `not_found` to a client, exactly as what does not exist. With
`results.read:all` others' results can be read; changing them stays the user's.
"""

import os
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Final

import msgspec
from msgspec import Struct

from edged.errors import Denied, NotFound
from edged.messages import people, requests, seeing, sessions, voice
from edged.messages.access import Asker
from edged.messages.records import Recording
from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest
from edged.store import Connection, ownership
from edged.store.database import Store

Buffer = bytes | memoryview
Outgoing = AnyReply | tuple[AnyReply, Sequence[Buffer]]
Stream = AsyncGenerator[Outgoing, None]

Thing = tuple[str, str]
"""Its kind, as of store.ownership, or `person`; and its id."""

MOST_REMEMBERED: Final = 1_000
"""Things of clients that need not be looked up again: ids are never used twice, nor given away."""

NAMED: Final[dict[str, str]] = {
    "session_id": "session",
    "recording_id": "recording",
    "job_id": "job",
    "speaker_id": "speaker",
    "other_id": "speaker",
    "person_id": "person",
    "frame_id": "key frame",
}
"""Fields of requests, and what kind of thing they name."""

NUMBERED: Final = frozenset((seeing.StreamFrame, seeing.SessionsFrame))
"""Requests whose `frame_id` is a number that the client counts by."""

NARROWED: Final = frozenset((requests.TranscriptsSearch,))
"""Requests whose ids only narrow what is found, which is the client's own anyway."""

READ: Final[frozenset[type]] = frozenset(
    (
        requests.RecordingsGet,
        requests.RecordingsAudio,
        requests.SegmentsList,
        requests.JobsGet,
        sessions.SessionsGet,
        sessions.SessionsLedger,
        sessions.SessionsExport,
        sessions.StreamOpen,
        people.SpeakersList,
        people.SpeakersSample,
        people.SpeakersMatches,
        people.Stats,
        seeing.FramesList,
        seeing.FramesExport,
        seeing.FramesSearch,
        seeing.FramesImage,
        seeing.TracksDerive,
        voice.Align,
        voice.AudioTag,
        voice.Denoise,
        voice.EmotionSpeech,
        voice.Keywords,
        voice.LanguageIdentify,
        voice.Separate,
    )
)
"""Requests that change nothing of what they name: `results.read:all` opens it to them."""


class Ownership:
    """Knows whose things are. Loop thread only.

    Args:
        store: where that is written.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._own: OrderedDict[tuple[str, Thing], None] = OrderedDict()

    def guarded(
        self, asker: Asker, request: AnyRequest, answer: Callable[[], Outgoing | Stream]
    ) -> Outgoing | Stream:
        """The answer, unless the asker may not name what the request names.

        Args:
            asker: in whose name the request runs.
            request: already validated against its struct.
            answer: begins to answer it.

        Raises:
            Denied: a client names a file of this machine.
        """
        if asker.is_owner:
            return answer()
        check_files(request)
        named = things(request)
        if all((asker.client_id, thing) in self._own for thing in named):
            return answer()
        return self._looked_up(asker, request, named, answer)

    def remember(self, asker: Asker, kind: str, thing: str) -> None:
        """Note what was just made for a client: frames for it must not wait to be looked up."""
        if asker.is_owner:
            return
        self._own[asker.client_id, (kind, thing)] = None
        if len(self._own) > MOST_REMEMBERED:
            self._own.popitem(last=False)

    async def _check(self, asker: Asker, request: type, kind: str, thing: str) -> None:
        """Look up what a client's request names.

        Raises:
            NotFound: it does not exist, or the client may not know that it does.
            Denied: it is somebody else's result, which the client may only read.
        """
        if kind == "person":
            if not await self._store.read(lambda db: _knows(db, asker, thing)):
                raise _absent(kind, thing)
            return
        owner = await self._store.read(lambda db: ownership.owner(db, kind, thing))
        if owner == asker.client_id:
            self.remember(asker, kind, thing)
        elif owner is None or asker.sees is not None:
            raise _absent(kind, thing)
        elif request not in READ:
            raise Denied(
                f"the {kind} is not the client's own", fix="ask it with the `edged` command"
            )

    async def _looked_up(
        self,
        asker: Asker,
        request: AnyRequest,
        named: tuple[Thing, ...],
        answer: Callable[[], Outgoing | Stream],
    ) -> Stream:
        for kind, thing in named:
            await self._check(asker, type(request), kind, thing)
        replies = answer()
        if not isinstance(replies, AsyncGenerator):
            yield replies
            return
        async with aclosing(replies):
            async for reply in replies:
                yield reply


def things(request: AnyRequest) -> tuple[Thing, ...]:
    """What a request names that belongs to somebody."""
    if type(request) in NARROWED:
        return ()
    fields = set(request.__struct_fields__) & NAMED.keys()
    if type(request) in NUMBERED:
        fields.discard("frame_id")
    found = ((NAMED[name], getattr(request, name)) for name in sorted(fields))
    return tuple((kind, thing) for kind, thing in found if thing is not None)


def check_files(request: AnyRequest) -> None:
    """Refuse a client's request that names a file, a folder or a pipe of this machine.

    Raises:
        Denied: it does.
    """
    if any(_files(request)):
        raise Denied(
            "clients may not name files of this machine", fix="send the bytes, or upload the file"
        )


def without_files(asker: Asker, recording: Recording) -> Recording:
    """A recording as somebody may see it: where the user's files lie is nothing for clients."""
    return recording if asker.is_owner else msgspec.structs.replace(recording, path=None)


def _files(part: Struct) -> Iterator[bool]:
    """For each field of a request, and of what it holds, whether it names a file."""
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if isinstance(value, Struct):
            yield from _files(value)
        elif isinstance(value, tuple):
            yield any(any(_files(one)) for one in value if isinstance(one, Struct))
        elif name == "device":
            yield isinstance(value, str) and os.path.isabs(value)
        elif name == "kind":
            yield value == "video"
        elif name == "path":
            yield value is not None


def _knows(db: Connection, asker: Asker, person_id: str) -> bool:
    return asker.sees is None or ownership.hears(db, asker.client_id, person_id)


def _absent(kind: str, thing: str) -> NotFound:
    """The same words for what does not exist and for what is somebody else's."""
    return NotFound(f"no such {kind}", id=thing)
