"""The browser's framing: exact lengths, whatever the cuts, and refusals before memory is taken."""

import struct

import pytest

from edged.bridge.native.framing import Inlet, framed
from edged.errors import EdgedError


def _feed(inlet: Inlet, data: bytes, step: int = 1 << 20) -> list[bytes | str]:
    """Read as a pipe gives it; messages as bytes, refusals as their codes."""
    found: list[bytes | str] = []
    while data:
        with inlet.place() as place:
            count = min(len(place), len(data), step)
            place[:count] = data[:count]
        data = data[count:]
        for one in inlet.took(count):
            found.append(one.code if isinstance(one, EdgedError) else bytes(one))
    return found


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 1000, 100_000])
def test_messages_are_whole_however_their_bytes_are_cut(step: int) -> None:
    messages = [b"{}", b"x" * 70_000, b"[1]", b"y" * 255]

    found = _feed(Inlet(), b"".join(map(framed, messages)), step)

    assert found == messages


def test_the_length_is_in_the_order_of_the_machine() -> None:
    assert framed(b"abc") == struct.pack("=I", 3) + b"abc"


def test_a_message_of_no_bytes_is_refused_and_the_next_is_read() -> None:
    assert _feed(Inlet(), framed(b"") + framed(b"{}")) == ["bad_request", b"{}"]


def test_a_message_at_the_bound_is_taken_and_one_beyond_is_passed_over() -> None:
    inlet = Inlet(most_bytes=1000)

    found = _feed(inlet, framed(b"a" * 1000) + framed(b"b" * 1001) + framed(b"c"), 64)

    assert found == [b"a" * 1000, "too_large", b"c"]
    assert not inlet.midway


def test_the_longest_length_takes_no_memory() -> None:
    inlet = Inlet()

    found = _feed(inlet, struct.pack("=I", 2**32 - 1) + b"stray text on a pipe" * 1000)

    assert found == ["too_large"]
    assert inlet.midway
    assert len(inlet.place()) == 64 * 1024


def test_64_mib_are_passed_over_and_the_next_message_is_read() -> None:
    inlet = Inlet()
    size = 64 * 2**20
    block = bytes(2**20)

    found = _feed(inlet, struct.pack("=I", size))
    for _ in range(64):
        found += _feed(inlet, block)
    found += _feed(inlet, framed(b"next"))

    assert found == ["too_large", b"next"]


def test_an_end_within_a_message_shows() -> None:
    inlet = Inlet()

    _feed(inlet, framed(b"abcdef")[:7])

    assert inlet.midway
