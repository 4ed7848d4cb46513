"""Carries messages between the browser's pipes and the daemon: one loop, no threads.

It has no state but what is on its way, and that is bounded whatever is sent: one message from the
browser, a piece or two towards it. The daemon is read only when everything before was written, and
the browser only when its answers go out, so that each waits for the other.
"""

import os
import select
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from edged.bridge.native import replies, requests
from edged.bridge.native.connection import Connection, State
from edged.bridge.native.framing import MOST_BYTES, Inlet, framed
from edged.bridge.native.journal import Journal
from edged.bridge.native.parsing import Message, parse
from edged.errors import BadRequest, Busy, EdgedError

CREDIT_BYTES = 4 * 2**20
"""What may be on its way to the extension before it says that it dealt with some."""

MOST_RUNNING = 1024
"""Requests without a last reply; the daemon allows a client far fewer."""

MOST_WAITING = 64
"""Answers of the host's own that wait to be written before it stops reading requests."""

MOST_UNSENT_BYTES = 2**20
"""Bytes that the daemon has not taken, above which no further request is read."""

SIGN_OF_LIFE_S = 5.0
"""Between signs to a daemon that is not being read. It gives up after 15 s without any."""

NOTHING = 0
ABSENT = -1


class Ends(NamedTuple):
    """The browser's side: file descriptors that do not block, and who asks."""

    reading: int
    writing: int
    origin: str
    version: str


class Relay:
    """From the first message to the end of the browser's pipe.

    Args:
        ends: of the browser.
        connection: to the daemon.
        journal: what is noted: sizes, codes and counts.
        most_bytes: longest message that the browser may send.
    """

    def __init__(
        self, ends: Ends, connection: Connection, journal: Journal, *, most_bytes: int = MOST_BYTES
    ) -> None:
        self._ends = ends
        self._daemon = connection
        self._journal = journal
        self._most_bytes = most_bytes
        self._inlet = Inlet(most_bytes)
        self._replies = replies.Replies()
        self._own: deque[bytes] = deque()
        self._out: deque[bytes] = deque()
        self._writing = memoryview(b"")
        self._sent = 0
        self._taken = 0
        self._asked = 0
        self._greeted = False
        self._refused = False
        self._open = True
        self._poll = select.poll()
        self._watched: dict[int, int] = {}

    def run(self) -> None:
        """Relay until the browser closes its pipe, or no daemon can be had at the start."""
        self._guard(self._daemon.open)
        while self._open:
            self._turn()
        self._daemon.close()
        cut_off = ", the last one cut off" if self._inlet.midway else ""
        self._journal.note(
            f"ended: {self._asked} messages taken{cut_off}, {self._sent} bytes sent, "
            f"{len(self._replies.running)} requests running"
        )

    def _turn(self) -> None:
        """Wait for one side, and let what came go on."""
        self._watch()
        ready = dict(self._poll.poll(self._timeout_ms()))
        self._guard(self._daemon.keep_time)
        if not ready:
            self._guard(self._daemon.show_life)
        from_daemon = ready.get(self._daemon.fileno(), NOTHING)
        if from_daemon & ~select.POLLOUT:
            self._guard(self._receive)
        if from_daemon & select.POLLOUT:
            self._guard(self._daemon.flush)
        if events := ready.get(self._ends.reading, NOTHING):
            self._read(events)
        self._write()

    # what to wait for

    def _watch(self) -> None:
        """Wait for what can go on: reading from one side stops while the other does not take."""
        from_daemon = NOTHING if self._paused() else select.POLLIN
        if self._daemon.wants_to_send:
            from_daemon |= select.POLLOUT
        wanted = {
            self._ends.reading: select.POLLIN if self._may_read() else NOTHING,
            self._daemon.fileno(): from_daemon,
        }
        if self._writing:
            wanted[self._ends.writing] = select.POLLOUT
        wanted.pop(ABSENT, None)
        if wanted != self._watched:
            self._watch_instead(wanted)

    def _watch_instead(self, wanted: dict[int, int]) -> None:
        for gone in self._watched.keys() - wanted.keys():
            self._poll.unregister(gone)
        for source, events in wanted.items():
            self._poll.register(source, events)
        self._watched = wanted

    def _may_read(self) -> bool:
        """Whether a request could be dealt with now. Its pipe's end is noticed in any case."""
        return (
            not self._refused
            and self._daemon.state in (State.READY, State.ABSENT)
            and len(self._own) < MOST_WAITING
            and self._daemon.unsent_bytes < MOST_UNSENT_BYTES
        )

    def _paused(self) -> bool:
        """Whether the daemon has to wait, because the browser or its extension does."""
        return bool(self._writing or self._out)

    def _timeout_ms(self) -> float | None:
        left = self._daemon.left_s()
        if left is not None:
            return 1000 * min(left + 0.001, SIGN_OF_LIFE_S)
        return 1000 * SIGN_OF_LIFE_S if self._paused() else None

    # from the browser

    def _read(self, events: int) -> None:
        if not (events & select.POLLIN or self._may_read()):
            self._open = False
            return
        with self._inlet.place() as place:
            try:
                count = os.readv(self._ends.reading, [place])
            except BlockingIOError:
                return
            except OSError:
                count = 0
        if not count:
            self._open = False
            return
        for found in self._inlet.took(count):
            self._take(found)

    def _take(self, found: bytearray | EdgedError) -> None:
        self._asked += 1
        if isinstance(found, EdgedError):
            self._refuse(found, "")
            return
        size = len(found)
        try:
            message = parse(found)
        except EdgedError as error:
            self._refuse(error, "", size=size)
            return
        if "host" in message:
            self._heed(message["host"])
            return
        request_id = requests.id_of(message)
        try:
            self._ask(message, request_id)
        except EdgedError as error:
            self._refuse(error, request_id, size=size)

    def _ask(self, message: Message, request_id: str) -> None:
        if len(self._replies.running) >= MOST_RUNNING:
            raise Busy("too many requests are running", limit=MOST_RUNNING, retry_after_ms=1_000)
        frames = requests.frames(message, self._ends.origin)
        self._replies.running.add(request_id)
        self._guard(lambda: self._daemon.send(frames))

    def _heed(self, said: object) -> None:
        """What the extension tells the host itself: how much it has dealt with."""
        match said:
            case {"type": "taken", "bytes": int(taken)} if 0 <= taken <= self._sent:
                self._taken = max(self._taken, taken)
            case _:
                self._refuse(BadRequest("the host takes `taken` with the bytes so far"), "")

    def _refuse(self, error: EdgedError, request_id: str, *, size: int = 0) -> None:
        self._journal.note(f"refused: {error.code}, {size or error.details.get('size', 0)} bytes")
        self._own.append(replies.error_reply(error, request_id))

    # from the daemon

    def _receive(self) -> None:
        for chunk in self._daemon.receive():
            self._out.extend(self._replies.feed(chunk))
            if chunk.ends_message:
                self._add_own()
        if self._daemon.state is State.READY and not self._greeted:
            self._greeted = True
            self._say({"type": "ready", **self._facts()})

    def _add_own(self) -> None:
        """Let the host's own answers go; between two messages of the daemon, never within one."""
        self._out.extend(self._own)
        self._own.clear()

    def _facts(self) -> dict[str, object]:
        return {
            "version": self._ends.version,
            "protocol": replies.PROTOCOL,
            "origin": self._ends.origin,
            "most_bytes": self._most_bytes,
            "credit": CREDIT_BYTES,
        }

    def _say(self, what: dict[str, object]) -> None:
        self._out.append(replies.text({"host": what}))

    def _guard(self, act: Callable[[], None]) -> None:
        """Do what needs the daemon; when it is gone, every request that runs is told."""
        try:
            act()
        except EdgedError as error:
            self._daemon.close()
            self._replies.abandon()
            self._journal.note(f"no daemon: {error.code}, {len(self._replies.running)} running")
            self._tell_all(error)

    def _tell_all(self, error: EdgedError) -> None:
        if not self._greeted:
            self._refused = True
            self._say({"type": "refused", "error": replies.fields(error)})
            return
        self._own.extend(replies.error_reply(error, one) for one in self._replies.running)
        self._replies.running.clear()

    # to the browser

    def _write(self) -> None:
        """Write what the browser takes now, as far as the extension's credit goes."""
        try:
            while self._writing or self._next():
                count = os.write(self._ends.writing, self._writing)
                self._writing = self._writing[count:]
        except BlockingIOError:
            return
        except OSError:
            self._open = False
        if self._refused and not self._out:
            self._open = False

    def _next(self) -> bool:
        """Take the next message, if there is one and the extension has credit for it."""
        if not self._out and not self._replies.midway:
            self._add_own()
        if not self._out or self._sent + len(self._out[0]) > self._taken + CREDIT_BYTES:
            return False
        message = self._out.popleft()
        self._sent += len(message)
        self._writing = memoryview(framed(_counted(message, self._sent)))
        return True


def _counted(message: bytes, sent: int) -> bytes:
    """The message with the sum of all lengths so far, which an extension has no way to count."""
    return b'%b,"sent":%d}' % (message[:-1], sent)
