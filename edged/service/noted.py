"""What is noted about clients and written some time later: the audit's entries, and who was seen."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from edged.errors import Busy, DiskFull
from edged.messages.access import AuditAct
from edged.store import Connection, Store, audit, clients
from edged.store.clock import stamp

MINUTE_S = 60.0

MOST_NOTED = 1_000
"""Different things noted within a minute; beyond that they are counted together."""

MOST_OF_ONE = 16
"""Of one client, likewise: who asks for everything fills no audit."""

Note = tuple[AuditAct, str, str]
"""The act, the client_id, and what."""

Seen = tuple[datetime, int, bool]
"""When, as which process, and whether the program to name is its parent's."""


class Noted:
    """Keeps the same note within a minute as one, with its count. Loop thread only.

    Args:
        store: where it is written.
        wake: called when something is noted that should be written soon.
    """

    def __init__(self, store: Store, wake: Callable[[], None]) -> None:
        self._store = store
        self._wake = wake
        self._counts: Counter[Note] = Counter()
        self._this_minute: set[Note] = set()
        self._minute_ends = time.monotonic() + MINUTE_S
        self._seen: dict[str, Seen] = {}
        self._turn = asyncio.Lock()
        self._fresh = False

    def note(self, act: AuditAct, client_id: str, what: str) -> None:
        """Add to the audit: written soon when it is the first of its kind within this minute."""
        note = (act, client_id, what)
        if note not in self._this_minute:
            if self._too_many(client_id):
                note = (act, client_id, "")
            self._this_minute.add(note)
            self._fresh = True
            self._wake()
        self._counts[note] += 1

    def _too_many(self, client_id: str) -> bool:
        mine = sum(of == client_id for _, of, _ in self._this_minute)
        return mine >= MOST_OF_ONE or len(self._this_minute) >= MOST_NOTED

    def see(self, client_id: str, *, pid: int, of_parent: bool) -> None:
        """A client asked just now.

        Args:
            client_id: which.
            pid: as which process.
            of_parent: the program to name is the one that started the process.
        """
        self._seen[client_id] = (datetime.now(UTC), pid, of_parent)

    async def write_due(self) -> None:
        """Write when something is fresh, or a minute is over."""
        if time.monotonic() >= self._minute_ends:
            self._minute_ends = time.monotonic() + MINUTE_S
            self._this_minute.clear()
        elif not self._fresh:
            return
        await self.write()

    async def write(self) -> None:
        """Write all that was noted up to now; on a full disk it waits for another time."""
        async with self._turn:  # what somebody else is just writing is written then, too
            await self._write()

    async def _write(self) -> None:
        self._fresh = False
        counts, self._counts = self._counts, Counter()
        seen, self._seen = self._seen, {}
        if not (counts or seen):
            return
        programs = await asyncio.to_thread(_programs, seen)

        def written(db: Connection) -> None:
            for (act, client_id, what), count in counts.items():
                audit.add(db, act, client_id, what, count=count)
            for client_id, (at, pid, _) in seen.items():
                clients.seen(db, client_id, at=stamp(at), pid=pid, program=programs[client_id])

        try:
            await self._store.write(written)
        except (DiskFull, Busy):
            self._counts += counts


def program(pid: int, *, of_parent: bool = False) -> str:
    """The file that a process runs, as the system says now; empty where it does not. Blocks.

    What cannot be shown of its name is left out.

    Args:
        pid: which process; -1: not known.
        of_parent: take the process that started it: a browser, for its native-messaging host.
    """
    try:
        if of_parent:
            pid = _parent(pid)
        path = os.readlink(f"/proc/{pid}/exe")
    except (OSError, ValueError, IndexError):
        return ""
    return "".join(character for character in path if character.isprintable())


def _parent(pid: int) -> int:
    """Source: proc(5): after the name in parentheses come the state and the parent's pid."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[1])


def _programs(seen: dict[str, Seen]) -> dict[str, str]:
    return {one: program(pid, of_parent=parent) for one, (_, pid, parent) in seen.items()}
