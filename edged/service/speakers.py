"""`speakers.*`: who spoke in a session. Each change is one transaction, counts included."""

from collections.abc import AsyncGenerator, Callable, Sequence

from edged.messages.people import (
    Speakers,
    SpeakersClaim,
    SpeakersList,
    SpeakersMatches,
    SpeakersMerge,
    SpeakersRename,
    SpeakersSplit,
    SpeakersUnclaim,
    SpeakersUndo,
)
from edged.messages.replies import AnyReply
from edged.service.house import House
from edged.service.people import owner
from edged.store import Connection, claims, speaker_edits, speakers, voices

Replies = AsyncGenerator[AnyReply, None]
Buffer = bytes | memoryview


async def list_speakers(house: House, request: SpeakersList) -> Replies:
    """The speakers of a session."""
    session_id = request.session_id
    found = await house.store.read(lambda db: speakers.list_speakers(db, session_id))
    yield Speakers(session_id=session_id, speakers=found)


async def claim(house: House, request: SpeakersClaim, _: Sequence[Buffer], caller: str) -> Replies:
    """Say who a speaker is."""
    name, claimed_by = await owner(), house.called(caller)
    yield await _change(
        house, lambda db: claims.claim(db, request, claimed_by=claimed_by, owner=name)
    )


async def unclaim(house: House, request: SpeakersUnclaim) -> Replies:
    """Take a claim back."""
    yield await _change(house, lambda db: claims.unclaim(db, request.speaker_id))


async def rename(house: House, request: SpeakersRename) -> Replies:
    """Give a speaker another label."""
    yield await _change(
        house, lambda db: speaker_edits.rename(db, request.speaker_id, request.label)
    )


async def split(house: House, request: SpeakersSplit) -> Replies:
    """Make a new speaker of some segments."""
    yield await _change(
        house, lambda db: speaker_edits.split(db, request.speaker_id, request.segments)
    )


async def merge(house: House, request: SpeakersMerge) -> Replies:
    """Make one of two speakers."""
    yield await _change(
        house, lambda db: speaker_edits.merge(db, request.speaker_id, request.other_id)
    )


async def undo(house: House, request: SpeakersUndo) -> Replies:
    """Take the last edit of a session back."""
    yield await _change(house, lambda db: speaker_edits.undo(db, request.session_id))


async def matches(house: House, request: SpeakersMatches) -> Replies:
    """How near a speaker's voice is to those enrolled."""
    yield await house.store.read(lambda db: voices.matches(db, request.speaker_id))


async def _change(house: House, change: Callable[[Connection], str]) -> Speakers:
    """The speakers of the session that a change is about, as the same transaction leaves them."""

    def changed(db: Connection) -> Speakers:
        session_id = change(db)
        return Speakers(session_id=session_id, speakers=speakers.list_speakers(db, session_id))

    return await house.store.write(changed)
