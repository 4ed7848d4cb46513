"""Frames in, messages out: the bad ones are refused by id where there is one, and never crash."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.bridge.framing import (
    Refused,
    error_reply,
    pack_reply,
    pack_request,
    read_reply,
    read_request,
    split,
)
from edged.errors import Busy, VersionSkew
from edged.media import AudioFormat
from edged.messages import replies, requests

encode = msgspec.msgpack.encode


def _read(frames: list[bytes]) -> object:
    return read_request(frames, most_frames=4, most_bytes=1000)


def _refused(frames: list[bytes]) -> Refused:
    with pytest.raises(Refused) as caught:
        _read(frames)
    return caught.value


def test_a_request_survives_the_wire() -> None:
    request = requests.Transcribe(path="/a", language="de", words=False)
    frames = [bytes(frame) for frame in pack_request(request, [b"xyz"], request_id="9")]

    incoming = read_request(frames, most_frames=4, most_bytes=1000)

    assert incoming.request == request
    assert incoming.envelope.id == "9"
    assert incoming.parts == (b"xyz",)


def test_a_reply_tells_by_its_type_whether_another_follows() -> None:
    progress = replies.Progress(stage="vad", fraction=0.5)

    going, _, _ = read_reply(pack_reply(progress, request_id="1"))
    ended, _, _ = read_reply(pack_reply(replies.Done(), request_id="1"))

    assert going.more
    assert not ended.more


def test_an_error_carries_code_fix_and_details() -> None:
    error = error_reply(Busy("no room", retry_after_ms=10))

    assert (error.code, error.retryable, error.details) == ("busy", True, {"retry_after_ms": 10})
    assert error.fix


@pytest.mark.parametrize(
    ("frame", "id_"),
    [
        (b"", ""),
        (b"\xc1", ""),
        (b"\x81\xa1v", ""),
        (b"\x91" * 100_000, ""),
        (encode({"v": 1, "id": "1", "body": {}})[:-1] + b"\xa2\xff\xfe", "1"),
        (encode({"v": 1, "id": "1", "body": {"type": "health", "x": 1}}), "1"),
        (encode({"v": 1, "id": "1", "body": {"type": "nonsense"}}), "1"),
        (encode({"v": 1, "id": "1", "body": None}), "1"),
        (encode({"v": 1, "id": "1", "body": {"type": "recordings.list", "limit": 2**64 - 1}}), "1"),
        (encode({"v": 2**64 - 1, "id": "1", "body": {"type": "health"}}), ""),
        (encode({"v": 1, "id": "", "body": {"type": "health"}}), ""),
        (encode({"v": 1, "id": "1", "other": 2, "body": {"type": "health"}}), ""),
    ],
    ids=[
        "empty",
        "garbage",
        "cut",
        "depth bomb",
        "bad body",
        "unknown field",
        "unknown request",
        "no body",
        "2^64-1 in the body",
        "2^64-1 in the envelope",
        "empty id",
        "unknown envelope field",
    ],
)
def test_hostile_frames_are_refused_under_their_id_if_they_have_one(frame: bytes, id_: str) -> None:
    assert _refused([frame]).request_id == id_


def test_a_depth_bomb_in_the_body_is_refused() -> None:
    bomb = msgspec.msgpack.encode({"v": 1, "id": "1"})[1:]

    refused = _refused([b"\x83" + bomb + b"\xa4body" + b"\x91" * 50_000 + b"\xc0"])

    assert refused.error.code == "bad_request"
    assert "deeply" in refused.error.message


def test_invalid_utf8_is_named_without_its_bytes() -> None:
    refused = _refused([b"\x82\xa1v\x01\xa2id\xa2\xff\xfe"])

    assert refused.error.message == "envelope cannot be read: text is not UTF-8"


def test_an_unknown_request_has_a_code_of_its_own() -> None:
    refused = _refused([encode({"v": 1, "id": "1", "body": {"type": "nonsense"}})])

    assert refused.error.code == "unknown_request"


def test_another_protocol_is_a_version_skew() -> None:
    refused = _refused([encode({"v": 2, "id": "1", "body": {"type": "health"}})])

    assert isinstance(refused.error, VersionSkew)


def test_too_many_frames_and_too_many_bytes_are_refused() -> None:
    health = encode({"v": 1, "id": "1", "body": {"type": "health"}})

    assert _refused([health, *[b""] * 4]).error.code == "too_large"
    assert _refused([health, bytes(1000)]).error.code == "too_large"


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_bytes_are_read_or_refused(frames: list[bytes]) -> None:
    try:
        _read(frames)
    except Refused as refused:
        assert refused.error.message


@given(st.binary(min_size=1, max_size=300))
def test_any_body_is_read_or_refused_under_its_id(body: bytes) -> None:
    envelope = b"\x83\xa1v\x01\xa2id\xa17\xa4body" + body
    try:
        _read([envelope])
    except Refused as refused:
        assert refused.request_id in ("", "7")


def test_a_foreign_reply_is_a_version_skew() -> None:
    with pytest.raises(VersionSkew):
        read_reply([encode({"v": 1, "id": "1", "body": {"type": "from the future"}})])


def test_pcm_is_cut_between_samples() -> None:
    audio = AudioFormat(sample_rate=8000, channels=3, sample_format="f32le")

    parts = split(bytes(9 * 2**20), audio)

    assert sum(len(part) for part in parts) == 9 * 2**20
    assert all(len(part) % 12 == 0 for part in parts[:-1])
    assert max(len(part) for part in parts) <= 4 * 2**20
