"""`people.*`: those who have a name here, and their voices."""

import asyncio
import os
import pwd
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from edged.errors import EdgedError
from edged.messages.people import (
    OnePerson,
    People,
    PeopleAdd,
    PeopleEnroll,
    PeopleForget,
    PeopleList,
    PeopleRename,
    Person,
)
from edged.messages.replies import AnyReply, Done
from edged.service.house import House
from edged.store import Connection, claims, people, voices

EXPIRY_S = 3_600.0

Replies = AsyncGenerator[AnyReply, None]


async def owner() -> str:
    """What the system calls whoever runs the daemon: the full name, else the login."""
    return await asyncio.to_thread(_owner)


def _owner() -> str:
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:  # a container's user without an entry
        return "me"
    return entry.pw_gecos.partition(",")[0].strip() or entry.pw_name or "me"


async def list_people(house: House, _: PeopleList) -> Replies:
    """Everyone; `me` is added when it is not there yet."""
    name = await owner()

    def everyone(db: Connection) -> People:
        people.me(db, owner=name)
        return People(people=people.list_people(db))

    yield await house.store.write(everyone)


async def add(house: House, request: PeopleAdd) -> Replies:
    """A new person."""
    yield await _one(house, lambda db: people.add(db, request.name))


async def rename(house: House, request: PeopleRename) -> Replies:
    """Give a person another name."""
    yield await _one(house, lambda db: people.rename(db, request.person_id, request.name))


async def forget(house: House, request: PeopleForget) -> Replies:
    """Delete a person, or the voice alone; neither is left in the store's files."""
    person_id = request.person_id
    if request.voice_only:
        await house.store.write(lambda db: voices.forget(db, person_id), makes_room=True)
    else:
        await house.store.write(lambda db: claims.forget(db, person_id), makes_room=True)
    await house.store.scrub()
    yield Done()


async def enroll(house: House, request: PeopleEnroll) -> Replies:
    """Add a speaker's voice to a person's profile."""
    yield await _one(
        house,
        lambda db: voices.enroll(
            db, request.person_id, request.speaker_id, consent=request.consent
        ),
    )


async def expire_voices(house: House) -> None:
    """Delete voices when their time is over, now and every hour, until cancelled."""
    while True:
        with suppress(EdgedError):  # the disk is full: another time
            if await house.store.write(voices.expire):
                await house.store.scrub()
        await asyncio.sleep(EXPIRY_S)


async def _one(house: House, change: Callable[[Connection], Person]) -> OnePerson:
    return OnePerson(person=await house.store.write(change))
