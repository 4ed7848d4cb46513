"""A hundred thousand damaged messages through each framing: every one is read or refused.

Random, but the same each time: what fails once fails again. Growth is measured over the second half,
when caches are warm.
"""

import gc
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from edged.bridge.framing import Refused, read_request
from edged.bridge.native import replies, requests, zmtp
from edged.bridge.native.framing import Inlet, framed
from edged.bridge.native.parsing import parse
from edged.errors import EdgedError

MESSAGES = 100_000
MOST_GROWTH_KIB = 4_000
MOST_BYTES = 400
ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"

TEXTS = [
    b'{"v":1,"id":"7","body":{"type":"health"}}',
    b'{"v":1,"id":"8","deadline_ms":5,"body":{"type":"upload.part","offset":0},"parts":["QUJD","QQ=="]}',
    b'{"host":{"type":"taken","bytes":1048576}}',
    b'{"v":1,"id":"9","body":{"type":"x","a":[1,2.5e3,-4,true,null,"\\u00e9\\n\xc3\xa9"]}}',
    b'{"parts":["QUJD"],"id":"1","body":{}}',
    b"[[[[[[[[[[[[]]]]]]]]]]]]",
]
PACKED = [
    msgspec.msgpack.encode({"v": 1, "id": "7", "body": {"type": "health"}}),
    msgspec.msgpack.encode({"v": 1, "id": "7", "origin": ORIGIN, "body": {"type": "hello"}}),
    msgspec.msgpack.encode(
        {"v": 1, "id": "7", "body": {"type": "upload.part", "upload_id": "a" * 16, "offset": 5}}
    ),
    msgspec.msgpack.encode(
        {"v": 1, "id": "r1", "parent_id": "7", "more": True, "body": {"a": [1.5]}}
    ),
]
SPICE = [
    b"",
    b"\x00",
    b"\xff",
    b'"',
    b"\\",
    b"{",
    b"]",
    b"NaN",
    b"1e999",
    b'"parts":[',
    b"\xc1",
    b"\xed\xa0",
]


def _damaged(chance: random.Random, seeds: list[bytes]) -> bytes:
    """A message with up to three wounds; one in eight is left whole."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randrange(4) if chance.randrange(8) else 0):
        at = chance.randrange(len(data) + 1)
        data[at : at + chance.randrange(5)] = chance.choice(SPICE)
    return bytes(data)


def _memory_kib() -> int:
    gc.collect()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def _survives(round_of: Callable[[random.Random], int]) -> None:
    """Run rounds until so many messages went through; the second half must not grow."""
    chance = random.Random(6)
    done = 0
    halfway = 0
    while done < MESSAGES:
        done += round_of(chance)
        if done >= MESSAGES // 2 and not halfway:
            halfway = _memory_kib()
    assert _memory_kib() - halfway < MOST_GROWTH_KIB


def test_damaged_messages_of_a_browser_are_read_or_refused() -> None:
    inlet = Inlet(MOST_BYTES)

    def round_of(chance: random.Random) -> int:
        for found in _cut_up(inlet, _stream(chance, 200), chance):
            _read(found)
        return 200

    _survives(round_of)

    assert not inlet.midway


def _stream(chance: random.Random, count: int) -> bytes:
    """Framed messages; some lengths name too much or nothing, and what they name follows."""
    stream = bytearray()
    for _ in range(count):
        odd = chance.randrange(50)
        if odd == 0:
            stream += framed(b"")
        elif odd == 1:
            stream += framed(bytes(MOST_BYTES + chance.randrange(1, 2000)))
        else:
            stream += framed(_damaged(chance, TEXTS))
    return bytes(stream)


def _cut_up(inlet: Inlet, stream: bytes, chance: random.Random) -> Iterator[bytearray | EdgedError]:
    at = 0
    while at < len(stream):
        with inlet.place() as place:
            count = min(len(place), len(stream) - at, chance.randrange(1, 5000))
            place[:count] = stream[at : at + count]
        at += count
        yield from inlet.took(count)


def _read(found: bytearray | EdgedError) -> None:
    """What the relay does with a message; every way out but these fails the test."""
    if isinstance(found, EdgedError):
        return
    try:
        message = parse(found)
        frames = requests.frames(message, ORIGIN)
    except EdgedError:
        return
    assert ORIGIN.encode() in bytes(frames[0])


def test_damaged_frames_of_zeromq_are_read_or_refused_by_the_daemon() -> None:
    def round_of(chance: random.Random) -> int:
        for _ in range(200):
            frames = [_damaged(chance, PACKED) for _ in range(chance.randrange(4))]
            try:
                read_request(frames, most_frames=3, most_bytes=MOST_BYTES)
            except Refused as refused:
                assert refused.error.code
        return 200

    _survives(round_of)


def test_a_damaged_daemon_is_read_or_left_by_the_host() -> None:
    ready = zmtp.GREETING + zmtp.command(b"\x05READY")

    def round_of(chance: random.Random) -> int:
        wire, told = zmtp.Wire(), replies.Replies()
        stream = bytearray(ready)
        for _ in range(100):
            frames = [_damaged(chance, PACKED) for _ in range(chance.randrange(1, 4))]
            stream += b"".join(zmtp.message(frames))
        for _ in range(chance.randrange(3)):
            stream[chance.randrange(len(ready), len(stream))] = chance.randrange(256)
        try:
            for chunk in wire.feed(memoryview(stream)):
                told.feed(chunk)
        except EdgedError as error:
            assert error.code == "version_skew"
        return 100

    _survives(round_of)


@pytest.mark.parametrize("size", [2**32 - 1, 2**31, MOST_BYTES + 1])
def test_a_length_alone_takes_no_memory(size: int) -> None:
    before = _memory_kib()
    inlets = [Inlet(MOST_BYTES) for _ in range(4)]

    for inlet in inlets:
        with inlet.place() as place:
            place[:4] = struct.pack("=I", size)
        (refused,) = inlet.took(4)
        assert isinstance(refused, EdgedError)

    assert _memory_kib() - before < MOST_GROWTH_KIB
