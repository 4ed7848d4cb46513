"""Bounds how many connections a TCP socket holds: ZeroMQ itself takes all that come.

Strangers who connect and say nothing hold a descriptor each until the handshake's time is over
(3 s). Enough of them would take every descriptor of the daemon, and libzmq then aborts the process.
Measured, libzmq 4.3.5: 1,000 silent connections with RLIMIT_NOFILE at 1,024 ended the daemon.
"""

import asyncio
import logging
import resource
import sys
from contextlib import suppress

import zmq

from edged.bridge.server import NOW, READABLE

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 1_024
SHARE = 4
"""At most every fourth descriptor of the process is for TCP."""

CLOSED_S = 0.5
EVENTS_PER_TURN = 256


class Crowd:
    """Shuts the door for a moment when too many are connected. Loop thread only.

    Shutting ends all connections over TCP, since ZeroMQ cannot stop to accept in another way; those
    of known clients come again by themselves. Close it before the socket.

    Args:
        router: bound.
        endpoint: where, as LAST_ENDPOINT gave it.
        most: connections at once, roughly: ZeroMQ accepts in a thread of its own.
    """

    def __init__(
        self,
        router: zmq.Socket[bytes],
        endpoint: str,
        *,
        most: int | None = None,
    ) -> None:
        self._router = router
        self._endpoint = endpoint
        self._most = most or most_connections()
        self._inside: set[int] = set()
        self._waiting: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._monitor = router.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._loop.add_reader(self._monitor.fileno(), self._drain)
        self._loop.call_soon(self._drain)  # without it the first edge never comes

    @property
    def inside(self) -> int:
        """How many are connected."""
        return len(self._inside)

    @property
    def shut(self) -> bool:
        """Whether nobody is let in at the moment."""
        return self._waiting is not None

    def close(self) -> None:
        """Count no more."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._loop.remove_reader(self._monitor.fileno())
        self._router.disable_monitor()
        self._monitor.close(linger=0)

    def _drain(self) -> None:
        for _ in range(EVENTS_PER_TURN):
            if self._monitor.closed or not int(self._monitor.get(zmq.EVENTS)) & READABLE:
                return
            self._count(self._monitor.recv_multipart(NOW)[0])
        self._loop.call_soon(self._drain)

    def _count(self, event: bytes) -> None:
        """Note one event: its kind (16 bits) and the descriptor (32 bits), in native order."""
        kind = int.from_bytes(event[:2], sys.byteorder)
        descriptor = int.from_bytes(event[2:6], sys.byteorder)
        if kind == zmq.EVENT_ACCEPTED:
            self._inside.add(descriptor)
        else:
            self._inside.discard(descriptor)
        if len(self._inside) > self._most and not self.shut:
            self._shut()

    def _shut(self) -> None:
        log.warning("%d connections over TCP: all are ended", len(self._inside))
        self._router.unbind(self._endpoint)
        self._waiting = self._loop.call_later(CLOSED_S, self._open)

    def _open(self) -> None:
        self._waiting = None
        self._inside.clear()  # nothing is said of those that `unbind` ended
        with suppress(zmq.ZMQError):
            self._router.bind(self._endpoint)
            return
        self._waiting = self._loop.call_later(CLOSED_S, self._open)  # the port is not free yet


def most_connections() -> int:
    """How many connections over TCP there is room for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, soft // SHARE))
