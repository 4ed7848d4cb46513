"""What does a request cost: `health` over ipc, beside a raw echo and two other kinds of server."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import msgspec
import zmq

from benchmarks import echo, peers
from benchmarks.figures import Figure, interleaved, median_call, microseconds, ratio
from benchmarks.served import Served
from edged.bridge import endpoint
from edged.bridge.framing import pack_request
from edged.bridge.link import SyncClient
from edged.messages import replies, requests
from edged.messages.envelope import Envelope, decode_envelope

TITLE = "A round trip: `health` over ipc"
WARM_UP = 200

_decode = msgspec.msgpack.Decoder(replies.HealthReport).decode


def measure(*, quick: bool) -> list[Figure]:
    """Every contestant in turns of some hundred calls."""
    calls, rounds = (200, 5) if quick else (300, 31)
    with ExitStack() as stack:
        batches = _contestants(stack)
        for batch in batches.values():
            batch(WARM_UP)
        turns = {name: partial(batch, calls) for name, batch in batches.items()}
        found = interleaved(turns, rounds)
    return _figures(found)


def _figures(found: dict[str, list[float]]) -> list[Figure]:
    figures = [microseconds(name, found[name], NOTES.get(name, "")) for name in found]
    for name, most in (("edged, raw zmq + msgspec", 2.0), ("edged, SyncClient", None)):
        value = ratio(found, name, "raw echo")
        every = [mine / echo for mine, echo in zip(found[name], found["raw echo"], strict=True)]
        note = f"{min(every):.2f} to {max(every):.2f} by rounds"
        what = f"{name} / raw echo"
        figures.append(Figure(what=what, value=value, unit="x", most=most, note=note))
    for name in peers.NAMES:
        if name in found:
            value = ratio(found, name, "edged, SyncClient")
            figures.append(
                Figure(
                    what=f"{name} / edged, SyncClient",
                    value=value,
                    unit="x",
                    least=peers.LEAST.get(name),
                )
            )
    return figures


NOTES = {
    "raw echo": "pyzmq DEALER to a blocking ROUTER, the same request bytes back",
    "edged, raw zmq + msgspec": "envelope and body encoded and decoded with each call",
}


def _contestants(stack: ExitStack) -> dict[str, Callable[[int], float]]:
    raw = stack.enter_context(echo.running())
    frames = [bytes(one) for one in pack_request(requests.Health(), request_id="1")]
    daemon = stack.enter_context(Served())
    client = stack.enter_context(daemon.client())
    plain = Plain(daemon.paths.endpoint)
    stack.callback(plain.close)
    return {
        "raw echo": partial(median_call, partial(raw.ask, frames)),
        "edged, raw zmq + msgspec": partial(median_call, plain.health),
        "edged, SyncClient": partial(median_call, partial(_health, client)),
        **{name: peer.median for name, peer in peers.start(stack).items()},
    }


def _health(client: SyncClient) -> replies.HealthReport:
    return client.ask(requests.Health(), replies.HealthReport)


class Plain:
    """A client without any of ours but the declarations of the messages."""

    def __init__(self, address: str) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = endpoint.connect(self._context, address)

    def health(self) -> tuple[Envelope, replies.HealthReport]:
        """Ask, and read the whole answer."""
        self._socket.send_multipart(pack_request(requests.Health(), request_id="1"))
        envelope = decode_envelope(self._socket.recv())
        return envelope, _decode(envelope.body)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close(linger=0)
        self._context.term()
