"""A request reaches the daemon in the extension's name, whatever it says of itself."""

import msgpack
import pytest

from edged.bridge.native import requests
from edged.bridge.native.parsing import Message
from edged.errors import BadRequest

ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"
STOLEN = "of-a-local-program"


def _message(**fields: object) -> Message:
    return {"v": 1, "id": "7", "body": {"type": "health"}, **fields}


def test_the_envelope_carries_the_origin_and_the_parts_follow() -> None:
    envelope, *parts = requests.frames(
        _message(deadline_ms=5, parts=[memoryview(b"a"), "QkM="]), ORIGIN
    )

    assert msgpack.unpackb(envelope) == {
        "v": 1,
        "id": "7",
        "deadline_ms": 5,
        "body": {"type": "health"},
        "origin": ORIGIN,
    }
    assert parts == [b"a", b"BC"]


@pytest.mark.parametrize("claimed", ["", "edged@edged.org", None, 5])
def test_an_extension_cannot_choose_in_whose_name_it_asks(claimed: object) -> None:
    envelope, *_ = requests.frames(_message(origin=claimed, token=STOLEN), ORIGIN)

    assert msgpack.unpackb(envelope)["origin"] == ORIGIN
    assert STOLEN.encode() not in envelope


@pytest.mark.parametrize("id_", [None, "", 7, "x" * 65, ["7"]])
def test_a_request_without_an_id_is_refused(id_: object) -> None:
    message = _message(id=id_)

    with pytest.raises(BadRequest, match="id"):
        requests.frames(message, ORIGIN)

    assert requests.id_of(message) == ""


@pytest.mark.parametrize("body", [None, [], "health"])
def test_a_request_without_a_body_is_refused(body: object) -> None:
    with pytest.raises(BadRequest, match="body"):
        requests.frames(_message(body=body), ORIGIN)


@pytest.mark.parametrize("parts", [5, "QkM=", [5], [None], ["Q"], [memoryview(b"a"), "é"]])
def test_parts_that_are_no_list_of_base64_are_refused(parts: object) -> None:
    with pytest.raises(BadRequest, match="part"):
        requests.frames(_message(parts=parts), ORIGIN)


def test_what_messagepack_cannot_carry_is_refused_and_the_next_request_is_not() -> None:
    for odd in (2**70, "\ud800"):
        with pytest.raises(BadRequest, match="MessagePack"):
            requests.frames(_message(body={"type": odd}), ORIGIN)

    assert msgpack.unpackb(requests.frames(_message(), ORIGIN)[0])["id"] == "7"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("v", odd) for odd in ("1", True, -1, 1.0, 2**53 + 1)),
        *(("deadline_ms", odd) for odd in (None, 1.5)),
        *((name, "") for name in ("unknown", "parent_id", "more")),
    ],
)
def test_what_the_daemon_could_not_answer_by_its_id_is_refused_before(
    name: str, value: object
) -> None:
    with pytest.raises(BadRequest):
        requests.frames(_message(**{name: value}), ORIGIN)


def test_a_request_without_a_version_is_refused() -> None:
    with pytest.raises(BadRequest, match="version"):
        requests.frames({"id": "7", "body": {}}, ORIGIN)
