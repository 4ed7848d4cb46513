"""The host as a process: its arguments, its pipes, its memory, its end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from native_port import ORIGIN, DaemonSide, HostProcess

from edged.bridge.native import host
from edged.errors import OriginDenied

MIB = 2**20
MOST_MEMORY_KIB = 30_000_000 // 1024


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    """Of a browser on that home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return {**kept, "EDGED_HOME": str(home)}


@pytest.fixture
def daemon(home: Path) -> Iterator[DaemonSide]:
    side = DaemonSide(home / "run" / "requests")
    yield side
    side.close()


@pytest.mark.parametrize(
    ("arguments", "origin"),
    [
        ([ORIGIN], ORIGIN),
        ([ORIGIN, "--parent-window=0"], ORIGIN),
        (["--parent-window=5", ORIGIN], ORIGIN),
        (["/home/u/.mozilla/native-messaging-hosts/org.edged.host.json", "a@b.c"], "a@b.c"),
        (
            ["/m.json", "{01234567-89ab-cdef-0123-456789abcdef}"],
            "{01234567-89ab-cdef-0123-456789abcdef}",
        ),
        (["--edged-native-host", ORIGIN], ORIGIN),
    ],
)
def test_the_origin_is_what_the_browser_says(arguments: list[str], origin: str) -> None:
    assert host._origin(arguments) == origin


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [""],
        ["https://example.org/"],
        [ORIGIN[:-1]],
        [ORIGIN + "x"],
        [ORIGIN.upper()],
        ["/m.json"],
        ["/m.json", ""],
        ["/m.json", ORIGIN],
        ["/m.json", "a b"],
        ["/m.json", "x" * 81],
        ["/m.json", "a@b", "c@d"],
        ["a@b.c"],
    ],
)
def test_without_an_origin_nobody_is_served(arguments: list[str]) -> None:
    with pytest.raises(OriginDenied):
        host._origin(arguments)


def test_a_process_without_an_origin_says_so_and_ends(environ: dict[str, str]) -> None:
    with HostProcess("https://example.org/", environ=environ) as port:
        said = port.next()

        assert said["host"]["type"] == "refused"
        assert said["host"]["error"]["code"] == "origin_denied"
        assert port.process.wait(10) == OriginDenied.exit_status


@pytest.mark.parametrize(
    ("given", "most"), [("", 8 * MIB), ("70000", 70_000), ("0", 8 * MIB), ("a lot", 8 * MIB)]
)
def test_the_longest_message_can_be_chosen(
    given: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(host.BYTES_VARIABLE, given)

    assert host._most_bytes() == most


def test_it_relays_ends_at_once_and_logs(
    daemon: DaemonSide, environ: dict[str, str], home: Path
) -> None:
    with HostProcess(environ=environ) as port:
        assert port.next()["host"]["type"] == "ready"
        port.post({"v": 1, "id": "7", "body": {"type": "health"}})
        envelope, _ = daemon.take()
        daemon.answer("7", {"type": "done"})
        reply = port.next()
        status = port.end()

    log = home / "state" / "native-host.log"
    assert envelope["origin"] == ORIGIN
    assert reply["body"] == {"type": "done"}
    assert status == 0
    assert log.stat().st_mode & 0o777 == 0o600
    assert f"started for {ORIGIN}" in log.read_text()


@pytest.mark.parametrize(
    ("sign", "status"),
    [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)],
)
def test_a_signal_ends_it(
    sign: int, status: int, daemon: DaemonSide, environ: dict[str, str]
) -> None:
    with HostProcess(environ=environ) as port:
        port.next()
        port.post({"v": 1, "id": "7", "body": {"type": "health"}})
        daemon.take()
        port.process.send_signal(sign)

        with pytest.raises(EOFError):
            port.next()
        assert port.process.wait(10) == status


def test_a_browser_that_closed_its_end_of_the_answers_ends_it(
    daemon: DaemonSide, environ: dict[str, str]
) -> None:
    with HostProcess(environ=environ) as port:
        port.next()
        port.stop_listening()
        port.post({"v": 1, "id": "7", "body": {"type": "health"}})
        daemon.take()
        daemon.answer("7", {"type": "done"})

        assert port.process.wait(10) == 0


def test_its_memory_stays_small_whatever_is_sent(
    daemon: DaemonSide, environ: dict[str, str]
) -> None:
    head, tail = b'{"v":1,"id":"1","body":{},"parts":["', b'"]}'
    long = head + b"QUFB" * ((8 * MIB - len(head) - len(tail)) // 4) + tail
    wide = ('{"v":1,"id":"2","body":{"text":"😀' + "x" * 1_300_000 + '"}}').encode()
    many = b'{"v":1,"id":"3","body":{"a":[' + b"{}," * 45_000 + b"1]}}"
    with HostProcess(environ=environ) as port:
        port.next()
        for message in (long, wide, many):
            port.post_bytes(message)
            daemon.take()
        port.post_bytes(b'{"a":[' + b"{}," * (2 * MIB) + b"1]}")
        assert port.next()["body"]["code"] == "too_large"

        assert port.most_memory_kib() < MOST_MEMORY_KIB


def test_its_memory_stays_small_when_the_reader_stops(
    daemon: DaemonSide, environ: dict[str, str]
) -> None:
    part = bytes(range(256)) * 4096
    with HostProcess(environ=environ) as port:
        port.next()
        port.post({"v": 1, "id": "7", "body": {"type": "file"}})
        daemon.take()
        daemon.answer("7", {"type": "file"}, *[part] * 40)
        while not port.is_silent(0.3):  # until the credit is used up
            port.next()
        stopped_at = port.received

        assert stopped_at < 5 * MIB
        assert port.most_memory_kib() < MOST_MEMORY_KIB


def test_its_memory_stays_small_when_a_browser_reads_nothing_at_all(
    daemon: DaemonSide, environ: dict[str, str]
) -> None:
    with HostProcess(environ=environ) as port:
        port.post({"v": 1, "id": "7", "body": {"type": "file"}})
        daemon.take()
        daemon.answer("7", {"type": "file"}, *[bytes(MIB)] * 40)
        for number in range(2000):
            port.post({"v": 1, "id": f"x{number}", "body": {"text": "x" * 500}, "parts": ["!"]})
            if port.is_full():
                break

        assert port.is_full()
        assert port.most_memory_kib() < MOST_MEMORY_KIB
        assert port.end() == 0


def test_what_prints_does_not_reach_the_browser(environ: dict[str, str]) -> None:
    script = (
        "import os, sys; from edged.bridge.native import host\n"
        "reading, writing = host._protect(); print('stray'); sys.stdout.flush()\n"
        "os.write(1, b'stray'); os.write(writing, b'meant')"
    )

    done = subprocess.run(
        [sys.executable, "-P", "-c", script], env=environ, capture_output=True, check=True
    )

    assert done.stdout == b"meant"
    assert done.stderr == b"stray\nstray"


def test_it_imports_little(environ: dict[str, str]) -> None:
    script = "import sys, edged.bridge.native.host; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-P", "-c", script], env=environ, capture_output=True, check=True
    )
    found = set(done.stdout.decode().split())

    heavy = {
        "zmq",
        "msgspec",
        "numpy",
        "asyncio",
        "logging",
        "pathlib",
        "argparse",
        "dataclasses",
        "subprocess",
    }
    assert not found & heavy
    assert not {one for one in found if one.startswith("edged.messages")}
