"""The relay between a port and a socket: what goes through, what is refused, what waits, what ends."""

import base64
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from native_port import ORIGIN, DaemonSide, Port, relaying

from edged.bridge.native.relay import CREDIT_BYTES

MIB = 2**20
STOLEN = {"origin": "someone else", "token": "somebody's"}


@pytest.fixture
def path(home: Path) -> Path:
    """Where the daemon listens."""
    return home / "run" / "requests"


@pytest.fixture
def daemon(path: Path) -> Iterator[DaemonSide]:
    side = DaemonSide(path)
    yield side
    side.close()


@pytest.fixture
def port(daemon: DaemonSide) -> Iterator[Port]:
    """A port whose host said that it is ready."""
    with relaying(daemon.path) as opened:
        assert opened.next()["host"]["type"] == "ready"
        yield opened


def _ask(port: Port, request_id: str = "7", **more: object) -> None:
    port.post({"v": 1, "id": request_id, "body": {"type": "health"}, **more})


def test_the_first_message_says_who_is_there(daemon: DaemonSide) -> None:
    with relaying(daemon.path) as port:
        ready = port.next()

    assert ready == {
        "host": {
            "type": "ready",
            "version": "0",
            "protocol": 1,
            "origin": ORIGIN,
            "most_bytes": 8 * MIB,
            "credit": CREDIT_BYTES,
        }
    }


def test_a_request_and_its_replies_go_through(daemon: DaemonSide, port: Port) -> None:
    _ask(port, "7", parts=["QUJD"], **STOLEN, deadline_ms=9)
    envelope, parts = daemon.take()
    daemon.answer("7", {"type": "progress"}, more=True)
    daemon.answer("7", {"type": "audio"}, b"xyz")
    replies = [port.next(), port.next()]

    assert envelope == {
        "v": 1,
        "id": "7",
        "body": {"type": "health"},
        "deadline_ms": 9,
        "origin": ORIGIN,
    }
    assert parts == [b"ABC"]
    assert [one["body"]["type"] for one in replies] == ["progress", "audio"]
    assert replies[1]["parts"] == [base64.b64encode(b"xyz").decode()]


def test_requests_may_come_before_the_host_is_ready(daemon: DaemonSide) -> None:
    with relaying(daemon.path) as port:
        for number in range(50):
            _ask(port, str(number))
        taken = [daemon.take()[0]["id"] for _ in range(50)]

    assert taken == [str(number) for number in range(50)]


BAD = {
    "length 0": struct.pack("=I", 0),
    "garbage": struct.pack("=I", 8) + b"\x00garbage",
    "invalid UTF-8": struct.pack("=I", 9) + b'{"id":"\xff"'[:9],
    "10,000 levels": struct.pack("=I", 20_000) + b"[" * 10_000 + b"]" * 10_000,
    "a key twice": struct.pack("=I", 13) + b'{"a":1,"a":2}',
    "NaN": struct.pack("=I", 9) + b'{"a":NaN}',
    "no object": struct.pack("=I", 2) + b"[]",
    "no request": struct.pack("=I", 2) + b"{}",
    "a word to the host that it does not know": struct.pack("=I", 18) + b'{"host":"shutdown"}'[:18],
    "credit that was never given": struct.pack("=I", 40)
    + b'{"host":{"type":"taken","bytes":999999}}',
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_a_bad_message_is_refused_and_the_next_one_is_served(
    data: bytes, daemon: DaemonSide, port: Port
) -> None:
    port.post_raw(data)
    refused = port.next()
    _ask(port)
    taken, _ = daemon.take()

    assert refused["parent_id"] == ""
    assert refused["body"]["code"] == "bad_request"
    assert taken["id"] == "7"


def test_64_mib_are_refused_by_their_length_and_the_next_one_is_served(
    daemon: DaemonSide, port: Port
) -> None:
    port.post_raw(struct.pack("=I", 64 * MIB))
    refused = port.next()
    for _ in range(64):
        port.post_raw(bytes(MIB))
    _ask(port)
    taken, _ = daemon.take()

    assert refused["body"]["code"] == "too_large"
    assert refused["body"]["details"] == {"limit": 8 * MIB, "size": 64 * MIB}
    assert taken["id"] == "7"


@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1, 8 * MIB])
def test_a_message_of_the_browser_may_be_long(size: int, daemon: DaemonSide, port: Port) -> None:
    head, tail = b'{"v":1,"id":"7","body":{},"parts":["', b'"]}'
    room = size - len(head) - len(tail)
    padding, encoded = room % 4, room // 4 * 4

    port.post_bytes(head.replace(b"{}", b"{}" + b" " * padding) + b"QUFB" * (encoded // 4) + tail)
    _, (part,) = daemon.take()

    assert part == b"AAA" * (encoded // 4)


@pytest.mark.parametrize("size", [700_000, 786_432, MIB - 1, MIB, MIB + 1, 4 * MIB])
def test_no_message_to_the_browser_passes_1_mib(size: int, daemon: DaemonSide, port: Port) -> None:
    part = (b"0123456789" * (size // 10 + 1))[:size]
    _ask(port)
    daemon.take()

    daemon.answer("7", {"type": "file"}, *(part[at : at + MIB] for at in range(0, size, MIB)))
    reply = port.whole()

    assert b"".join(map(base64.b64decode, reply["parts"])) == part


def test_beyond_its_credit_an_extension_gets_nothing(daemon: DaemonSide, port: Port) -> None:
    part = bytes(512 * 1024)
    _ask(port)
    daemon.take()
    for number in range(10):
        daemon.answer("7", {"type": "file", "number": number}, part, more=True)

    replies = []
    while not port.is_silent():
        replies.append(port.next())
    before = port.received
    port.take()
    replies += [port.next() for _ in range(10 - len(replies))]

    assert CREDIT_BYTES - MIB < before <= CREDIT_BYTES
    assert [one["body"]["number"] for one in replies] == list(range(10))


def test_a_daemon_that_waits_longer_than_it_does_without_signs_stays(
    daemon: DaemonSide, port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.bridge.native.relay.SIGN_OF_LIFE_S", 0.1)
    _ask(port)
    daemon.take()
    for number in range(6):  # five are within the credit; the sixth is all that waits
        daemon.answer("7", {"type": "file", "number": number}, bytes(MIB // 2), more=True)
    while not port.is_silent(1.0):  # its timeout is 0.6 s
        port.next()

    port.take()
    _ask(port, "8")

    assert daemon.take()[0]["id"] == "8"


def test_when_the_daemon_goes_every_request_is_told_and_the_next_one_finds_a_new_daemon(
    daemon: DaemonSide, port: Port, path: Path
) -> None:
    for request_id in "789":
        _ask(port, request_id)
        daemon.take()
    daemon.answer("8", {"type": "done"})
    assert port.next()["parent_id"] == "8"

    daemon.close()
    told = [port.next(), port.next()]
    again = DaemonSide(path)
    _ask(port, "10")
    taken, _ = again.take()
    again.answer("10", {"type": "done"})
    reply = port.next()
    again.close()

    assert {one["parent_id"] for one in told} == {"7", "9"}
    assert {one["body"]["code"] for one in told} == {"daemon_down"}
    assert taken["id"] == "10"
    assert reply["body"] == {"type": "done"}


def test_a_daemon_that_goes_within_a_reply_leaves_none_of_it_behind(
    daemon: DaemonSide, port: Port
) -> None:
    _ask(port)
    daemon.take()
    daemon.answer("7", {"type": "file"}, bytes(8 * MIB))
    first = port.next()
    daemon.close()
    port.take()
    while "piece" in (message := port.next()):
        port.take()

    assert first["piece"]["index"] == 0
    assert message["parent_id"] == "7"
    assert message["body"]["code"] == "daemon_down"


def test_a_daemon_that_answers_nonsense_is_left(daemon: DaemonSide, port: Port) -> None:
    _ask(port)
    daemon.take()

    daemon.answer_bytes(b"\xc1nonsense")

    assert port.next()["body"]["code"] == "version_skew"


def test_too_many_running_requests_are_busy(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.bridge.native.relay.MOST_RUNNING", 3)
    for number in range(4):
        _ask(port, str(number))

    refused = port.next()

    assert (refused["parent_id"], refused["body"]["code"]) == ("3", "busy")


def test_who_floods_it_and_takes_no_answers_is_read_no_more_until_then(port: Port) -> None:
    posted = 0
    while not port.is_full(0.05):
        port.post_bytes(b'{"nonsense": "' + b"x" * 1000 + b'"}')
        posted += 1
        assert posted < 5_000

    answers = [port.next() for _ in range(posted)]

    assert {one["body"]["code"] for one in answers} == {"bad_request"}
    assert not port.is_full(1.0)


def test_its_own_answers_come_between_those_of_the_daemon(daemon: DaemonSide, port: Port) -> None:
    _ask(port)
    daemon.take()
    for _ in range(3):
        daemon.answer("7", {"type": "file"}, bytes(2 * MIB), more=True)
    first = port.next()
    port.post_bytes(b"nonsense")
    port.take()
    pieces = [first]
    while "piece" in (message := port.next()):
        pieces.append(message)
        port.take()

    assert message["body"]["code"] == "bad_request"
    assert pieces[-1]["piece"]["last"]


def test_bad_parts_are_refused_under_the_id_of_their_request(port: Port) -> None:
    _ask(port, "7", parts=["no base64!"])

    refused = port.next()

    assert (refused["parent_id"], refused["body"]["code"]) == ("7", "bad_request")


def test_the_log_holds_sizes_codes_and_the_origin_and_nothing_that_was_said(
    daemon: DaemonSide, path: Path
) -> None:
    with relaying(path) as port:
        port.next()
        port.post({"v": 1, "id": "secret-id", "body": {"type": "secret-type", "text": "secret"}})
        port.post_bytes(b'{"secret": "secret", "secret": 1}')
        assert port.next()["body"]["code"] == "bad_request"
        daemon.take()

    log = (path.parent / "native-host.log").read_text()
    assert "refused: bad_request, 33 bytes" in log
    assert "ended: 2 messages taken" in log
    assert "secret" not in log
