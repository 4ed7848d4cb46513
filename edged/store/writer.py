"""The one thread that writes: transactions are functions, several share one commit.

What waits while a commit is on its way to the disk goes into the next one together (group
commit); each function runs in a SAVEPOINT of its own, so that one that fails takes nobody along.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import apsw

from edged.errors import Busy, Conflict, DiskFull, EdgedError
from edged.messages.events import StoredEvent
from edged.store import failpoints
from edged.store.ballast import Ballast
from edged.store.engine import Connection, translate

log = logging.getLogger(__name__)

T = TypeVar("T")
Outcome = tuple[bool, object]
OnCommit = Callable[[Sequence[StoredEvent]], object]

LONGEST_QUEUE = 1_000
GROUP = 64
CHECKPOINT_PAGES = 1_000
"""As SQLite's own autocheckpoint, but after the waiting callers have their answers."""


@dataclass(slots=True)
class _Task:
    """One thing to do. makes_room: it deletes. alone: no transaction, it may swap the database."""

    call: Callable[[Connection], object]
    future: Future[object]
    makes_room: bool = False
    alone: bool = False


class Writer:
    """Owns the writing connection. `submit` may be called from any thread."""

    def __init__(self, db: Connection, ballast: Ballast, on_commit: OnCommit | None) -> None:
        self.last_commit: float | None = None
        self.commits = 0
        self.disk_full = not ballast.restore()
        self._ballast = ballast
        self._on_commit = on_commit
        self._queue: deque[_Task] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self.replace(db)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(
        self, call: Callable[[Connection], T], *, makes_room: bool = False, alone: bool = False
    ) -> Future[T]:
        """Queue a transaction; its future is resolved after the commit.

        Raises:
            Busy: 1,000 transactions wait already.
            Conflict: the store is closed.
        """
        future: Future[T] = Future()
        with self._wake:
            if self._closing:
                raise Conflict("the store is closed")
            if len(self._queue) >= LONGEST_QUEUE:
                raise Busy("too many transactions wait for the disk", retry_after_ms=1000)
            self._queue.append(_Task(call, future, makes_room, alone))  # type: ignore[arg-type]  # Future is invariant; only its caller reads it as T
            self._wake.notify()
        return future

    def replace(self, db: Connection) -> None:
        """Write to this connection from now on; before the start, or on the writer thread."""
        self._db = db
        self._wal_pages = 0
        db.set_wal_hook(self._note_wal)

    def close(self) -> None:
        """Finish what is queued, fold the WAL into the database, close. Blocks."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._db.close()

    def fold(self) -> None:
        """Fold the whole WAL into the database and cut it to nothing. On the writer thread only."""
        self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _note_wal(self, _db: object, _schema: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _run(self) -> None:
        while tasks := self._take():
            running = [task for task in tasks if task.future.set_running_or_notify_cancel()]
            if running and running[0].alone:
                self._do_alone(running[0])
            elif running:
                self._do_safely(running)

    def _take(self) -> list[_Task]:
        """The next group; a task that deletes or swaps comes alone. Empty: the end."""
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
            group: list[_Task] = []
            while self._queue and len(group) < GROUP:
                single = self._queue[0].alone or self._queue[0].makes_room
                if single and group:
                    break
                group.append(self._queue.popleft())
                if single:
                    break
            return group

    def _do_alone(self, task: _Task) -> None:
        try:
            result = task.call(self._db)
        except Exception as error:  # noqa: BLE001 handed to the caller, who awaits it
            task.future.set_exception(_ours(error, self._db))
        else:
            task.future.set_result(result)

    def _do_safely(self, tasks: list[_Task]) -> None:
        """Whatever happens, everybody gets an answer and the thread lives on."""
        try:
            self._do(tasks)
        except Exception as error:
            log.exception("the writer failed outside a transaction")
            for task in tasks:
                if not task.future.done():
                    task.future.set_exception(error)

    def _do(self, tasks: list[_Task]) -> None:
        if self.disk_full:
            failure = self._try_on_full_disk(tasks)
        else:
            failure = self._transact(tasks)
            if isinstance(failure, DiskFull) and tasks[0].makes_room:
                failure = self._make_room(tasks)
        for task in tasks:
            if failure is not None and not task.future.done():
                task.future.set_exception(failure)
        if self._wal_pages >= CHECKPOINT_PAGES:
            self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _try_on_full_disk(self, tasks: list[_Task]) -> EdgedError | None:
        """Deleting is always tried; everything else only when the ballast fits again."""
        if tasks[0].makes_room:
            return self._make_room(tasks)
        if not self._ballast.restore():
            return DiskFull("the disk is full")
        return self._transact(tasks)

    def _make_room(self, tasks: list[_Task]) -> EdgedError | None:
        """The recipe of ballast.py for one small step of deleting."""
        self._ballast.release()
        self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        failure = self._transact(tasks)
        self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self.disk_full = not self._ballast.restore()
        return failure

    def _transact(self, tasks: list[_Task]) -> EdgedError | None:
        """Run one group in one transaction and answer; or say why nothing was written."""
        db = self._db
        db.recorded = []
        try:
            db.execute("BEGIN IMMEDIATE")
            outcomes = _run_group(db, tasks)
            failpoints.reach("before_commit")
            db.execute("COMMIT")
        except apsw.Error as error:
            failure = translate(error, db)
            _roll_back(db)
            self.disk_full = self.disk_full or isinstance(failure, DiskFull)
            return failure
        failpoints.reach("after_commit")
        self.disk_full = False
        self.last_commit = time.monotonic()
        self.commits += 1
        self._answer(tasks, outcomes)
        return None

    def _answer(self, tasks: list[_Task], outcomes: list[Outcome]) -> None:
        """Tell of the events first: who awaits the write finds them published."""
        events, self._db.recorded = self._db.recorded, []
        if events and self._on_commit is not None:
            self._on_commit(events)
        for task, (succeeded, outcome) in zip(tasks, outcomes, strict=True):
            if succeeded:
                task.future.set_result(outcome)
            elif isinstance(outcome, Exception):
                task.future.set_exception(outcome)

    def _checkpoint(self, mode: int) -> None:
        """Fold the WAL into the database as far as readers allow; the next one does the rest."""
        try:
            self._db.wal_checkpoint(mode=mode)
        except apsw.Error as error:
            log.info("checkpoint put off: %s", type(error).__name__)
        finally:
            self._wal_pages = 0


def _run_group(db: Connection, tasks: list[_Task]) -> list[Outcome]:
    """Each function in its own SAVEPOINT; a lone one needs none, its failure ends the group.

    Raises:
        apsw.Error: SQLite rolled the whole transaction back (a full disk does that).
    """
    return [_run_one(db, task) for task in tasks]


def _run_one(db: Connection, task: _Task) -> Outcome:
    recorded = len(db.recorded)
    db.execute("SAVEPOINT one")
    try:
        outcome = task.call(db)
    except Exception as error:
        failure = _ours(error, db)
        if isinstance(failure, DiskFull) or not db.in_transaction:
            raise _lost(error) from error
        db.execute("ROLLBACK TO one; RELEASE one")
        del db.recorded[recorded:]
        return False, failure
    db.execute("RELEASE one")
    return True, outcome


def _lost(error: Exception) -> apsw.Error:
    """The engine's own error, also where a clean-up that failed hides it in the context."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (apsw.FullError, apsw.IOError, apsw.NoMemError)):
            return seen
        seen = seen.__context__
    return error if isinstance(error, apsw.Error) else apsw.AbortError("rolled back")


def _ours(error: Exception, db: Connection) -> Exception:
    return translate(error, db) if isinstance(error, apsw.Error) else error


def _roll_back(db: Connection) -> None:
    db.recorded = []
    if db.in_transaction:
        db.execute("ROLLBACK")
