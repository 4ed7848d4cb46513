"""Frames: put together from any pieces, refused when they are none."""

import asyncio
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.workers.channel import (
    LARGEST_FRAME,
    LARGEST_HEAD,
    Assembler,
    BrokenFrame,
    DaemonSide,
    Frame,
    Head,
    WorkerSide,
    frame_buffers,
    sizes_of,
)


def wire(parts: list[bytes], call: int = 1, method: str = "") -> bytes:
    head = Head(generation=1, call=call, kind="call", method=method, sizes=sizes_of(parts))
    return b"".join(frame_buffers(head, parts))


def feed(assembler: Assembler, data: bytes, step: int) -> list[Frame]:
    """Give bytes in steps, as a socket would."""
    frames: list[Frame] = []
    view = memoryview(data)
    while view:
        count = min(step, len(view), len(assembler.wanted))
        assembler.wanted[:count] = view[:count]
        view = view[count:]
        if frame := assembler.filled(count):
            frames.append(frame)
    return frames


@given(
    messages=st.lists(st.lists(st.binary(max_size=40), max_size=4), max_size=4),
    step=st.integers(1, 100),
)
def test_frames_survive_any_fragmentation(messages: list[list[bytes]], step: int) -> None:
    data = b"".join(wire(parts, call) for call, parts in enumerate(messages))

    frames = feed(Assembler(), data, step)

    assert [[bytes(part) for part in frame.parts] for frame in frames] == messages
    assert [frame.head.call for frame in frames] == list(range(len(messages)))


@pytest.mark.parametrize("length", range(90, 130))
def test_heads_of_any_length_survive(length: int) -> None:
    data = wire([b"part"], method="m" * length) + wire([], call=2)

    first, second = feed(Assembler(), data, 1000)

    assert first.head.method == "m" * length
    assert bytes(first.parts[0]) == b"part"
    assert second.head.call == 2


@given(data=st.binary(min_size=128, max_size=300))
def test_garbage_is_a_frame_or_refused_and_allocates_little(data: bytes) -> None:
    assembler = Assembler()
    try:
        feed(assembler, data, len(data))
    except BrokenFrame:
        return
    assert len(assembler.wanted) <= LARGEST_HEAD


@pytest.mark.parametrize("size", [0, LARGEST_HEAD + 1, 2**32 - 1])
def test_a_head_of_impossible_length_is_refused(size: int) -> None:
    with pytest.raises(BrokenFrame):
        feed(Assembler(), size.to_bytes(4, "little") + bytes(124), 128)


@pytest.mark.parametrize("sizes", [(LARGEST_FRAME + 1,), (LARGEST_FRAME, 1), (-1,)])
def test_parts_of_impossible_length_are_refused(sizes: tuple[int, ...]) -> None:
    head = Head(generation=1, call=1, kind="item", sizes=sizes)

    with pytest.raises(BrokenFrame):
        feed(Assembler(), bytes(frame_buffers(head, [])[0]), 1000)


def test_a_writer_that_is_not_read_keeps_order_and_descriptors() -> None:
    async def scenario() -> list[tuple[int, int, bytes]]:
        ours, theirs = socket.socketpair()
        daemon = DaemonSide(ours, lambda _: None, lambda _: None)
        worker = WorkerSide(theirs)
        for call in range(20):
            reading, writing = os.pipe()
            os.write(writing, str(call).encode())
            parts = [bytes(100_000)]
            daemon.send(Head(1, call, "call", sizes=sizes_of(parts)), parts, [reading])
            os.close(reading)  # the caller's own; a waiting frame holds a copy
            os.close(writing)
        found: list[tuple[int, int, bytes]] = []
        for _ in range(20):
            frame = await asyncio.to_thread(worker.receive)
            assert frame is not None
            (descriptor,) = frame.descriptors
            found.append((frame.head.call, frame.parts[0].nbytes, os.read(descriptor, 10)))
            os.close(descriptor)
        daemon.close()
        assert worker.receive() is None
        theirs.close()
        return found

    before = len(os.listdir("/proc/self/fd"))
    found = asyncio.run(scenario())

    assert found == [(call, 100_000, str(call).encode()) for call in range(20)]
    assert len(os.listdir("/proc/self/fd")) == before


def test_closing_with_frames_unwritten_leaks_no_descriptor() -> None:
    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        daemon = DaemonSide(ours, lambda _: None, lambda _: None)
        for call in range(3):
            parts = [bytes(2_000_000)]
            daemon.send(Head(1, call, "call", sizes=sizes_of(parts)), parts, [theirs.fileno()])
        daemon.close()
        daemon.close()
        theirs.close()

    asyncio.run(scenario())
    before = len(os.listdir("/proc/self/fd"))
    asyncio.run(scenario())

    assert len(os.listdir("/proc/self/fd")) == before


def test_the_daemons_side_reports_the_end_once_with_its_reason() -> None:
    async def scenario(data: bytes) -> list[str]:
        ended: list[str] = []
        done = asyncio.Event()
        ours, theirs = socket.socketpair()

        def on_end(reason: str) -> None:
            ended.append(reason)
            done.set()

        DaemonSide(ours, lambda _: None, on_end)
        theirs.sendall(data)
        theirs.close()
        await asyncio.wait_for(done.wait(), 5)
        return ended

    assert asyncio.run(scenario(b"")) == [""]
    assert asyncio.run(scenario(b"\xff" * 200)) == ["a head of impossible length"]
