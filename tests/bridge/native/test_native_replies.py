"""The daemon's answers as JSON, as they come in, in pieces where they are long."""

import base64
import json
import math
from typing import Any

import msgpack
import pytest

from edged.bridge.native import replies
from edged.bridge.native.zmtp import Chunk
from edged.errors import Busy, VersionSkew
from edged.messages.envelope import PROTOCOL


def _envelope(body: object = None, *, more: bool = False) -> bytes:
    envelope = {"v": 1, "id": "r9", "parent_id": "7", "more": more, "body": body}
    packed: bytes = msgpack.packb(envelope)
    return packed


def _feed(told: replies.Replies, frames: list[bytes], step: int = 1 << 20) -> list[bytes]:
    ready: list[bytes] = []
    for index, frame in enumerate(frames):
        for at in range(0, max(1, len(frame)), step):
            ends = at + step >= len(frame)
            is_last = index == len(frames) - 1
            ready += told.feed(Chunk(frame[at : at + step], ends, ends and is_last))
    return ready


def _joined(messages: list[bytes]) -> Any:
    if len(messages) == 1:
        return json.loads(messages[0])
    return json.loads("".join(json.loads(one)["data"] for one in messages))


def test_the_host_speaks_the_protocol_of_the_daemon() -> None:
    assert replies.PROTOCOL == PROTOCOL


def test_a_reply_without_parts_has_none() -> None:
    (message,) = _feed(replies.Replies(), [_envelope({"type": "done"})])

    assert json.loads(message) == {
        "v": 1,
        "id": "r9",
        "parent_id": "7",
        "more": False,
        "body": {"type": "done"},
    }


@pytest.mark.parametrize("step", [1, 2, 3, 5, 1000])
def test_parts_are_base64_however_their_bytes_are_cut(step: int) -> None:
    parts = [b"", b"a", b"ab", b"abc", bytes(range(256)) * 3]
    told = replies.Replies()

    messages = _feed(told, [_envelope({"type": "audio"}), *parts], step)

    assert [base64.b64decode(one) for one in _joined(messages)["parts"]] == parts
    assert not told.midway


def test_long_parts_come_in_pieces_before_the_last_byte_is_here() -> None:
    told = replies.Replies()
    part = bytes(range(256)) * 16_384

    early = _feed(told, [_envelope({"type": "audio"}), part, b""], 100_000)[:-1]
    again = _feed(told, [_envelope({"type": "done"})])

    assert len(early) >= 6
    assert json.loads(early[0])["piece"] == {"of": "r9", "index": 0, "last": False}
    assert json.loads(again[0])["body"] == {"type": "done"}


def test_binary_values_in_a_body_are_base64_and_numbers_that_are_none_are_null() -> None:
    body = {"hash": b"\x00\xff", "scores": [0.5, math.nan, {"x": math.inf}], 5: "five"}

    (message,) = _feed(replies.Replies(), [_envelope(body)])

    assert json.loads(message)["body"] == {
        "hash": "AP8=",
        "scores": [0.5, None, {"x": None}],
        "5": "five",
    }


def test_a_request_runs_until_its_last_reply_has_come_as_a_whole() -> None:
    told = replies.Replies()
    told.running.add("7")

    _feed(told, [_envelope({}, more=True)])
    assert told.running == {"7"}
    told.feed(Chunk(_envelope({}), ends_frame=True, ends_message=False))
    told.feed(Chunk(b"half", ends_frame=False, ends_message=False))
    assert told.running == {"7"}
    told.feed(Chunk(b"", ends_frame=True, ends_message=True))

    assert not told.running


def test_what_is_abandoned_leaves_nothing_behind() -> None:
    told = replies.Replies()
    told.feed(Chunk(_envelope({}), ends_frame=True, ends_message=False))
    told.feed(Chunk(b"half", ends_frame=False, ends_message=False))

    told.abandon()

    assert not told.midway
    assert _joined(_feed(told, [_envelope({"type": "done"})]))["body"] == {"type": "done"}


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"\x81\x80\x01",
        b"\x81\xa1a" + b"\x91" * 500 + b"\xcb\x7f\xf8" + bytes(6),
        b"\xc1",
        b"\x93\x01",
        msgpack.packb([1]),
        msgpack.packb({"a": msgpack.Timestamp(5)}),
    ],
)
def test_what_is_no_reply_is_a_version_skew(envelope: bytes) -> None:
    with pytest.raises(VersionSkew):
        _feed(replies.Replies(), [envelope])


def test_an_error_of_the_host_is_an_ordinary_reply() -> None:
    told = json.loads(replies.error_reply(Busy("too much", retry_after_ms=5), "7"))

    assert (told["v"], told["parent_id"], "more" in told) == (1, "7", False)
    assert told["body"]["type"] == "error"
    assert told["body"]["code"] == "busy"
    assert told["body"]["retryable"] is True
    assert told["body"]["details"] == {"retry_after_ms": 5}
