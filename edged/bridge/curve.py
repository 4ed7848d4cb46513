"""TCP for clients on other machines, off by default: CURVE encrypts, ZAP lets known keys in only.

A ROUTER in a context of its own, so that ipc knows nothing of keys. A key that nobody approved is
refused in the handshake, before any request is read; what a known key may ask is decided with every
request, so that a revoked client on a live connection is refused at once.
Source: rfc.zeromq.org/spec/26 (CurveZMQ) and /spec/27 (ZAP).
"""

import asyncio
import errno
import logging
import os
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

import zmq
from zmq.utils import z85

from edged.bridge import endpoint as sockets
from edged.bridge.crowd import Crowd
from edged.bridge.curve_keys import ServerKeys
from edged.bridge.server import MESSAGES_PER_TURN, NOW, READABLE, Caller, Handler, Server
from edged.config import Server as Bounds
from edged.errors import ConfigError

log = logging.getLogger(__name__)

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
ZAP_VERSION = b"1.0"
DOMAIN = b"edged"
KEY_BYTES = 32
ASKED_FRAMES = 7
"""Version, id, domain, address, routing id, mechanism, and the one credential of CURVE."""

TOLD_EVERY_S = 60.0
"""How often the log says that strangers were refused."""

Knows = Callable[[str], bool]
"""Whether a public key (Z85) may connect."""


class Gate:
    """Answers ZeroMQ's questions about keys, on the loop. Close it before its context.

    Args:
        context: of the sockets that are guarded.
        knows: decides.
        counts: of `handshakes_refused`.
    """

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], knows: Knows, counts: Counter[str]
    ) -> None:
        self._knows = knows
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._told = -TOLD_EVERY_S
        self._socket = context.socket(zmq.REP)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(ZAP_ENDPOINT)
        self._loop.add_reader(self._socket.fileno(), self._drain)
        self._loop.call_soon(self._drain)

    def close(self) -> None:
        """Let nobody in any more."""
        if not self._socket.closed:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _drain(self) -> None:
        for _ in range(MESSAGES_PER_TURN):
            if self._socket.closed or not int(self._socket.get(zmq.EVENTS)) & READABLE:
                return
            self._answer(self._socket.recv_multipart(NOW))
        self._loop.call_soon(self._drain)

    def _answer(self, asked: list[bytes]) -> None:
        key = _key_in(asked)
        welcome = bool(key) and self._knows(key)
        if not welcome:
            self._refuse()
        request_id = asked[1] if len(asked) > 1 else b""
        status = (b"200", b"OK", key.encode()) if welcome else (b"400", b"unknown key", b"")
        with suppress(zmq.Again):  # whoever asked has gone
            self._socket.send_multipart([ZAP_VERSION, request_id, *status, b""], NOW)

    def _refuse(self) -> None:
        self._counts["handshakes_refused"] += 1
        now = self._loop.time()
        if now - self._told >= TOLD_EVERY_S:
            self._told = now
            log.info("keys that nobody approved: %d so far", self._counts["handshakes_refused"])


def _key_in(asked: list[bytes]) -> str:
    """The public key of a question about CURVE; empty: it is another one."""
    if len(asked) != ASKED_FRAMES or asked[0] != ZAP_VERSION or asked[2] != DOMAIN:
        return ""
    *_, mechanism, credential = asked
    if mechanism != b"CURVE" or len(credential) != KEY_BYTES:
        return ""
    return z85.encode(credential).decode()


class Door:
    """A bound socket and its gate: keys are looked at, nothing is answered before `serve`.

    Args:
        endpoint: `tcp://ADDRESS:PORT`.
        keys: the daemon's own.
        knows: decides who may connect.
        frame_bytes: largest single frame.
        counts: of `handshakes_refused`.
        most: connections at once, see Crowd.

    Raises:
        ConfigError: the endpoint is no TCP address, or cannot be bound.
    """

    def __init__(
        self,
        endpoint: str,
        keys: ServerKeys,
        knows: Knows,
        *,
        frame_bytes: int,
        counts: Counter[str],
        most: int | None = None,
    ) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._gate = Gate(self._context, knows, counts)
        self._counts = counts
        try:
            self._router = _bind(self._context, endpoint, keys, frame_bytes=frame_bytes)
        except ConfigError:
            self._gate.close()
            self._context.term()
            raise
        self.endpoint = str(self._router.getsockopt_string(zmq.LAST_ENDPOINT))
        self.crowd = Crowd(self._router, self.endpoint, most=most)
        log.info("listens on %s", self.endpoint)

    @asynccontextmanager
    async def serve(
        self, handle: Handler, bounds: Bounds, tasks: asyncio.TaskGroup
    ) -> AsyncGenerator[Server, None]:
        """Answer requests; leaving the block ends them."""
        server = Server(self._router, handle, bounds, tasks, self._counts, caller_of=caller_of)
        try:
            yield server
        finally:
            await server.stop()

    def close(self) -> None:
        """Give the port back."""
        self.crowd.close()
        self._router.close()
        self._gate.close()
        self._context.term()


def _bind(
    context: zmq.Context[zmq.Socket[bytes]], endpoint: str, keys: ServerKeys, *, frame_bytes: int
) -> zmq.Socket[bytes]:
    if not endpoint.startswith("tcp://"):
        raise ConfigError("tcp.endpoint is not of the form tcp://ADDRESS:PORT")
    router = sockets.router(context, frame_bytes=frame_bytes)
    router.setsockopt(zmq.CURVE_SERVER, 1)
    router.setsockopt(zmq.CURVE_SECRETKEY, keys.secret_key.encode())
    router.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
    router.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
    router.setsockopt(zmq.IPV6, int("[" in endpoint))
    try:
        router.bind(endpoint)
    except zmq.ZMQError as error:
        router.close()
        raise _refusal(error) from error
    return router


def _refusal(error: zmq.ZMQError) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        return ConfigError("tcp.endpoint is in use", fix="choose another port")
    why = os.strerror(error.errno) if error.errno else "unknown"
    return ConfigError(f"tcp.endpoint cannot be bound: {why}", fix="see docs/CONFIG.md")


def caller_of(frames: list[zmq.Frame]) -> Caller:
    """Who sent it: the key that the gate let in."""
    return Caller(link=f"tcp {frames[0].bytes.hex()}", key=str(frames[-1].get("User-Id")))
