"""The read pool: few threads, each with a read-only connection, opened when first needed."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import apsw

from edged.errors import Busy, Conflict, EdgedError
from edged.store.engine import Connection, translate

T = TypeVar("T")
_Task = tuple[Callable[[Connection], object], Future[object]]

LONGEST_QUEUE = 1_000
PAUSE_WITHIN_S = 30.0


class Readers:
    """Runs queries, each on one consistent state of the store. `submit` from any thread.

    Args:
        connect: opens a read-only connection; called on the reading threads.
        count: how many threads.
    """

    def __init__(self, connect: Callable[[], Connection], count: int) -> None:
        self._connect = connect
        self._queue: deque[_Task] = deque()
        self._wake = threading.Condition()
        self._paused = False
        self._closing = False
        self._open = 0
        self._threads = [
            threading.Thread(target=self._run, name=f"store-reader-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, query: Callable[[Connection], T]) -> Future[T]:
        """Queue a query.

        Raises:
            Busy: 1,000 queries wait already.
            Conflict: the store is closed.
        """
        future: Future[T] = Future()
        with self._wake:
            if self._closing:
                raise Conflict("the store is closed")
            if len(self._queue) >= LONGEST_QUEUE:
                raise Busy("too many queries wait for the store", retry_after_ms=1000)
            self._queue.append((query, future))  # type: ignore[arg-type]  # Future is invariant; only its caller reads it as T
            self._wake.notify()
        return future

    def pause(self) -> None:
        """Let running queries end and close every connection; queries queue up meanwhile. Blocks.

        Raises:
            Busy: a query did not end within 30 s; reading goes on.
        """
        with self._wake:
            self._paused = True
            self._wake.notify_all()
            if not self._wake.wait_for(lambda: self._open == 0, PAUSE_WITHIN_S):
                self._paused = False
                self._wake.notify_all()
                raise Busy("a query on the store does not end")

    def resume(self) -> None:
        """Go on, with new connections."""
        with self._wake:
            self._paused = False
            self._wake.notify_all()

    def close(self) -> None:
        """Answer what is queued, then end the threads. Blocks."""
        with self._wake:
            self._closing = True
            self._paused = False
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        db: Connection | None = None
        while True:
            task = self._take(connected=db is not None)
            if task is None:
                self._disconnect(db)
                db = None
                if self._closing:
                    return
                continue
            db = self._answer(task, db)

    def _take(self, *, connected: bool) -> _Task | None:
        """The next query; None: close the connection (for a pause, or for good)."""
        with self._wake:
            while True:
                if self._paused:
                    if connected:
                        return None
                elif self._queue:
                    task = self._queue.popleft()
                    self._open += not connected
                    return task
                elif self._closing:
                    return None
                self._wake.wait()

    def _disconnect(self, db: Connection | None) -> None:
        if db is None:
            return
        db.close()
        with self._wake:
            self._open -= 1
            self._wake.notify_all()

    def _answer(self, task: _Task, db: Connection | None) -> Connection | None:
        query, future = task
        try:
            db = db or self._connect()
        except EdgedError as error:
            with self._wake:
                self._open -= 1
                self._wake.notify_all()
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
            return None
        if future.set_running_or_notify_cancel():
            _read(db, query, future)
        return db


def _read(db: Connection, query: Callable[[Connection], object], future: Future[object]) -> None:
    """Run a query within one read transaction and answer."""
    try:
        db.execute("BEGIN")
        result = query(db)
    except Exception as error:  # noqa: BLE001 handed to the caller, who awaits it
        failure = translate(error, db) if isinstance(error, apsw.Error) else error
        _end(db)
        future.set_exception(failure)
    else:
        _end(db)
        future.set_result(result)


def _end(db: Connection) -> None:
    if db.in_transaction:
        db.execute("ROLLBACK")
