"""What the native-messaging host sends for an extension, without the host."""

from itertools import count
from types import TracebackType
from typing import Any, Self

import msgspec
import zmq
from real_daemon import Daemon

from edged.bridge.framing import Buffer, read_reply
from edged.errors import from_code
from edged.messages import access, replies
from edged.messages.access import KnownClient, Scope
from edged.messages.envelope import Envelope, encode
from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest

PANEL = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"
OTHER = "chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba/"


class Extension:
    """A connection in whose requests a host stated the origin."""

    def __init__(self, daemon: Daemon, origin: str = PANEL, *, token: str = "") -> None:
        self.origin = origin
        self.token = token
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.connect(daemon.paths.endpoint)
        self._ids = count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._context.destroy(linger=0)

    def frame(self, request: AnyRequest, request_id: str = "") -> bytes:
        """The envelope of a request."""
        return encode(
            Envelope(
                v=1,
                id=request_id or f"n{next(self._ids)}",
                body=msgspec.Raw(encode(request)),
                origin=self.origin,
                token=self.token,
            )
        )

    def send(self, request: AnyRequest, *parts: Buffer, request_id: str = "") -> None:
        """Ask, and wait for nothing."""
        self.socket.send_multipart([self.frame(request, request_id), *parts])

    def receive(self, within_ms: int = 10_000) -> AnyReply:
        """The next reply.

        Raises:
            EdgedError: it is an error.
        """
        assert self.socket.poll(within_ms), "no reply came"
        _, reply, _ = read_reply(self.socket.recv_multipart())
        if isinstance(reply, replies.Error):
            raise from_code(reply.code, reply.message, fix=reply.fix, details=reply.details)
        return reply

    def ask(self, request: AnyRequest, reply: type[Any], *parts: Buffer) -> Any:
        """The first reply that is of that type."""
        self.send(request, *parts)
        while not isinstance(got := self.receive(), reply):
            continue
        return got

    def ask_to_pair(self, *scopes: Scope, nonce: str = "0" * 32) -> KnownClient:
        """Become pending; the request goes on."""
        self.send(access.Pair(name="panel", scopes=scopes, nonce=nonce), request_id="pairing")
        reply = self.receive()
        assert isinstance(reply, access.Pairing)
        return reply.client

    def pair(self, daemon: Daemon, *scopes: Scope) -> KnownClient:
        """Become a client with these scopes; approved by the user."""
        client = self.ask_to_pair(*scopes)
        approve(daemon, client)
        paired = self.receive()
        assert isinstance(paired, access.Paired)
        assert paired.client.status == "approved"
        return paired.client


def approve(daemon: Daemon, client: KnownClient, *scopes: Scope, ttl_s: int | None = None) -> None:
    """As `edged clients approve`."""
    request = access.ClientsApprove(client_id=client.client_id, scopes=scopes or None, ttl_s=ttl_s)
    daemon.ask(request, access.OneClient)


def forget_all(daemon: Daemon) -> None:
    """Leave the daemon as if nobody had ever asked."""
    for client in daemon.ask(access.ClientsList(), access.Clients).clients:
        daemon.ask(access.ClientsForget(client_id=client.client_id), replies.Done)
