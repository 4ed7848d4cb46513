"""A daemon's parts without its socket, and what its user and its clients keep there."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from conversations import claim, talk

from edged import daemon
from edged.config import Paths, load
from edged.errors import EdgedError
from edged.messages.access import Asker, Scope
from edged.messages.requests import AnyRequest
from edged.service.answer import answer
from edged.service.house import House
from edged.store import (
    Connection,
    jobs,
    key_frames,
    object_sightings,
    people,
    recordings,
    sessions,
    sights,
)

FOLDER = "/home/user/private"
"""Where the user's files are said to lie."""


@dataclass(frozen=True)
class Belongings:
    """One of each kind of thing, all of one owner, and the word that is in all of them."""

    word: str
    session: str
    recording: str
    speaker: str
    key_frame: str
    job: str
    person: str

    @property
    def by_kind(self) -> dict[str, str]:
        """Ids by the kinds of service.ownership."""
        return {
            "session": self.session,
            "recording": self.recording,
            "speaker": self.speaker,
            "key frame": self.key_frame,
            "job": self.job,
            "person": self.person,
        }

    @property
    def traces(self) -> tuple[str, ...]:
        """What nobody else may ever be sent; the person's name holds the word."""
        return (*self.by_kind.values(), self.word)


def client(name: str, *scopes: Scope) -> Asker:
    """A client that was approved."""
    return Asker(client_id=f"client-{name}", kind="browser", name=name, scopes=frozenset(scopes))


def keep(db: Connection, owner: str, word: str) -> Belongings:
    """Put something of everything into the store, as if it had been made for the owner."""
    made = talk(db, [(0, f"{word} said"), (0, "and more")], owner=owner)
    speaker = made.speakers[0]
    claim(db, speaker, f"Person {word}")
    sight = sights.add(db, made.session_id, 0, kind="screen", device=word, target_fps=1.0)
    track = sights.add_track(db, sight, kind="screen", model="m")
    frame_id = key_frames.add(
        db,
        made.session_id,
        track,
        at_ms=0,
        width=1,
        height=1,
        media_type="image/png",
        body=word.encode(),
        vector_model="m",
        vector=bytes(4),
    )
    object_sightings.add(db, made.session_id, track, label="cup", start_ms=0, end_ms=1, score=0.9)
    path = f"{FOLDER}/{word}.wav"
    db.execute("UPDATE recordings SET path = ? WHERE recording_id = ?", (path, made.recording_id))
    sessions.tell(db, made.session_id)
    recordings.tell(db, made.recording_id)
    job, _ = jobs.submit(
        db,
        key=word,
        kind="transcribe",
        payload=b"",
        priority="batch",
        max_attempts=1,
        name=word,
        recording_id=made.recording_id,
        owner=owner,
    )
    jobs.cancel(db, job.job_id)
    person = people.find(db, f"Person {word}")
    assert person is not None
    return Belongings(
        word=word,
        session=made.session_id,
        recording=made.recording_id,
        speaker=speaker,
        key_frame=frame_id,
        job=job.job_id,
        person=person.id,
    )


@asynccontextmanager
async def house_at(paths: Paths) -> AsyncIterator[House]:
    """The parts of a daemon, with which requests can be answered; of them only sessions run."""
    async with AsyncExitStack() as stack:
        house = await daemon._build(paths, load(paths, {}), None, stack, stop=_nothing)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(house.sessions.run())
            yield house
            running.cancel()


def _nothing() -> None:
    pass


async def ask(
    house: House, asker: Asker, request: AnyRequest, *parts: bytes
) -> list[Any] | EdgedError:
    """All replies, or the error that ended them; binary frames stand behind their reply."""
    found: list[Any] = []
    try:
        outgoing = answer(house.seen_by(asker), request, parts, asker.client_id)
        if not isinstance(outgoing, AsyncGenerator):
            return _flat(outgoing)
        async with aclosing(outgoing) as replies:
            async for reply in replies:
                found.extend(_flat(reply))
    except EdgedError as error:
        return error
    return found


def _flat(outgoing: object) -> list[object]:
    if isinstance(outgoing, tuple):
        reply, frames = outgoing
        assert isinstance(frames, Sequence)
        return [reply, *(bytes(one) for one in frames)]
    return [outgoing]
