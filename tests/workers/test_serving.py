"""The worker's loop, call by call, in this process and without a sandbox."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from edged.workers.channel import Frame, Head, Kind, WorkerSide, frame_buffers, pair
from edged.workers.serving import _Host


class Number(Struct, frozen=True):
    """What the hosted code gives."""

    value: int


class Counting:
    """Gives two numbers; when it has given both, it calls `on_end`."""

    def __init__(self, on_end: Callable[[], object]) -> None:
        self.on_end = on_end

    def count(self) -> Iterator[Number]:
        """The numbers."""
        yield Number(1)
        yield Number(2)
        self.on_end()


def test_a_cancel_that_comes_too_late_does_not_touch_the_next_call() -> None:
    """The reader stopped reading when the call had given all that it had."""
    daemon, worker = pair()
    with daemon, worker:
        host = _Host(WorkerSide(worker), generation=1)
        cancel = frame_buffers(Head(1, 1, "cancel"), ())
        host._objects["counting"] = Counting(lambda: daemon.sendmsg(cancel))
        first, second = (Frame(Head(1, call, "call", "counting", "count"), ()) for call in (1, 2))
        host._pending.append(second)
        host._running = first

        host._serve(first)
        host._serve(second)

        kinds = _kinds(WorkerSide(daemon), until_call=2)
    assert kinds == [(1, "item"), (1, "item"), (1, "end"), (2, "item"), (2, "item"), (2, "end")]


def _kinds(side: WorkerSide, *, until_call: int) -> list[tuple[int, Kind]]:
    """Call and kind of each answer, up to the end of a call."""
    found: list[tuple[int, Kind]] = []
    while not found or found[-1][0] != until_call or found[-1][1] == "item":
        frame = side.receive()
        assert frame is not None
        found.append((frame.head.call, frame.head.kind))
    return found
