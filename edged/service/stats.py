"""`stats`, `stats.wrapped`: what people say, in figures."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import msgspec

from edged.errors import BadRequest, NotFound
from edged.messages.people import Person, Stats, StatsWrapped, Wrapped
from edged.messages.replies import AnyReply
from edged.service.house import House
from edged.service.people import owner
from edged.store import Connection, ownership, people
from edged.store import stats as figures
from edged.store.clock import stamp

Replies = AsyncGenerator[AnyReply, None]


async def stats(house: House, request: Stats) -> Replies:
    """Figures of everyone, by the filters."""
    wish = msgspec.structs.replace(
        request, since=_moment(request.since), until=_moment(request.until)
    )
    owner = house.asker.sees
    yield await house.store.read(lambda db: figures.stats(db, wish, owner=owner))


async def wrapped(house: House, request: StatsWrapped) -> Replies:
    """One person's year."""
    year = datetime.now(UTC).year if request.year is None else request.year
    if request.person is None:
        name = await owner()
        await house.store.write(lambda db: people.me(db, owner=name))

    sees = house.asker.sees

    def find(db: Connection) -> Wrapped:
        return figures.wrapped(db, _person(db, request.person, sees), year, owner=sees)

    yield await house.store.read(find)


def _person(db: Connection, name_or_id: str | None, sees: str | None) -> Person:
    """Somebody with a name here; a client knows only those who are heard in its own sessions.

    Raises:
        NotFound: nobody it may know has the name or id.
    """
    person = people.find(db, name_or_id)
    if person is None or (sees is not None and not ownership.hears(db, sees, person.id)):
        raise NotFound("nobody here has that name or id", fix="`edged people list` shows everyone")
    return person


def _moment(text: str | None) -> str | None:
    """A time as tables have it, so that it compares as text.

    Raises:
        BadRequest: it is no time.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise BadRequest("since and until are times in ISO 8601, such as 2026-11-21") from error
