"""Frames out of a named pipe, as a thread reads them; in workers only."""

import fcntl
import os
import select
import threading

from edged.capture.clock import now_ns
from edged.capture.newest import Newest
from edged.capture.y4m import FIX, Y4mReader
from edged.errors import BadMedia, DeviceMissing, EdgedError

_POLL_MS = 100
"""How long the end of the looking may go unnoticed."""

_READ_BYTES = 2**20
_PIPE_BYTES = 2**20
"""Measured: 2026-11, a 640 x 480 frame is 460 kB: one or two reads instead of seven."""


class PipeReader:
    """Reads an open pipe until its end, in a thread of its own.

    Args:
        fd: an open pipe, readable; it is closed when the thread ends.
        newest: gets the frames.
    """

    def __init__(self, fd: int, newest: Newest) -> None:
        self._fd = fd
        self._newest = newest
        self._reader = Y4mReader()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pipe", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading, and wait until the pipe is closed."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        _widen(self._fd)
        try:
            self._read()
        except BadMedia as error:
            self._newest.end("device_lost", error)
        finally:
            os.close(self._fd)

    def _read(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        while not self._stopping.is_set():
            if not poll.poll(_POLL_MS):
                continue
            at_ns = now_ns()
            data = os.read(self._fd, _READ_BYTES)
            if not data:
                self._newest.end("device_lost", self._why())
                return
            for frame in self._reader.feed(data):
                self._newest.offer(frame, at_ns)

    def _why(self) -> EdgedError:
        """What the end of the pipe means when no frame came before it."""
        if self._reader.amid:
            return BadMedia("the pipe ended in the middle of its first frame")
        return DeviceMissing("the pipe ended before a frame came", fix=FIX)


def _widen(fd: int) -> None:
    """A larger pipe, where the system allows it."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        try:
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:
            return  # the user has too many large pipes; it only costs more reads
