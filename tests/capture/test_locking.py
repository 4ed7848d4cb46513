"""Whether a desktop says that it is locked: over a bus of the tests', and over a real one."""

import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from io import BufferedReader
from pathlib import Path

import pytest

from edged.capture.desktop_bus import Bus, message, session_bus, system_bus
from edged.capture.locking import Desktop

RETURN, ERROR = 2, 3


class FakeBus:
    """Answers every call with one thing, as a bus with one service does.

    answers: by the member called: the signature and the body; None: an error.
    """

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "bus")
        self.answers: dict[bytes, tuple[str, bytes] | None] = {}
        self.asked: list[bytes] = []
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(self.path)
        self._server.listen()
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; a client that is connected sees its end."""
        client = self._client
        if client is not None:
            with suppress(OSError):  # it may end by itself just now
                client.shutdown(socket.SHUT_RDWR)
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _serve(self) -> None:
        try:
            while True:
                self._client, _ = self._server.accept()
                with self._client as client, client.makefile("rb") as lines:
                    self._talk(client, lines)
                self._client = None
        except OSError:
            return

    def _talk(self, client: socket.socket, lines: BufferedReader) -> None:
        assert next(lines).startswith(b"\0AUTH EXTERNAL ")
        client.sendall(b"OK 0123456789abcdef\r\n")
        assert next(lines) == b"BEGIN\r\n"
        while head := lines.read(16):
            body_bytes, serial, facts_bytes = struct.unpack_from("<III", head, 4)
            facts = lines.read(facts_bytes + -facts_bytes % 8)
            self.asked.append(facts + lines.read(body_bytes))
            client.sendall(self._answer(serial, facts))

    def _answer(self, serial: int, facts: bytes) -> bytes:
        member = next((name for name in self.answers if name in facts), b"")
        signal = message(4, 1, [(3, "s", "NameAcquired")], b"")
        found = self.answers.get(member, ("s", struct.pack("<I", 3) + b":1\0\0"))
        if found is None:
            return signal + message(ERROR, 9, [(5, "u", str(serial)), (4, "s", "no.Such")], b"")
        form, body = found
        return signal + message(RETURN, 9, [(8, "g", form), (5, "u", str(serial))], body)


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[FakeBus]:
    fake = FakeBus(tmp_path)
    yield fake
    fake.stop()


YES, NO = ("b", struct.pack("<I", 1)), ("b", struct.pack("<I", 0))
HINT = ("v", b"\1b\0\0" + struct.pack("<I", 1))


def test_a_desktop_is_locked_when_its_screen_saver_says_so(bus: FakeBus) -> None:
    bus.answers = {b"org.gnome.ScreenSaver": YES, b"GetActive": None}

    with closing(Desktop(bus.path, "")) as desktop:
        locked = desktop.is_locked()
        bus.answers = {b"GetActive": NO}
        free = desktop.is_locked()

    assert (locked, free) == (True, False)
    assert all(one[1:2] == b"\1" for one in bus.asked)


def test_a_desktop_is_locked_when_logind_says_so(bus: FakeBus) -> None:
    bus.answers = {b"Properties": HINT}

    with closing(Desktop("", bus.path)) as desktop:
        assert desktop.is_locked()
    assert b"LockedHint" in bus.asked[-1]


@pytest.mark.parametrize(
    "answer", [None, ("s", struct.pack("<I", 0) + b"\0"), ("v", b"\1u\0\0" + bytes(4))]
)
def test_any_other_answer_says_nothing(bus: FakeBus, answer: tuple[str, bytes] | None) -> None:
    bus.answers = {b"GetActive": answer, b"Properties": answer}

    with closing(Desktop(bus.path, bus.path + "-none")) as desktop:
        assert not desktop.is_locked()
    with closing(Desktop("", bus.path)) as desktop:
        assert not desktop.is_locked()


def test_a_bus_that_ends_says_nothing(tmp_path: Path) -> None:
    bus = FakeBus(tmp_path)
    bus.answers = {b"GetActive": ("b", b"")}
    desktop = Desktop(bus.path, "")
    bus.stop()

    assert not desktop.is_locked()
    assert not desktop.is_locked()


def test_a_real_bus_lets_us_in_and_tells_what_is_not_there(tmp_path: Path) -> None:
    if not shutil.which("dbus-daemon"):
        pytest.skip("no dbus-daemon here: apt-get install dbus")
    address = f"unix:path={tmp_path}/bus"
    command = ["dbus-daemon", "--session", "--nofork", "--print-address", f"--address={address}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as real:
        try:
            assert real.stdout is not None
            path = session_bus({"DBUS_SESSION_BUS_ADDRESS": real.stdout.readline().strip()})
            bus = Bus(path)
            owned = bus.ask(
                "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus.NameHasOwner", "org.freedesktop.DBus",
            )  # fmt: skip
            saver = bus.ask("org.gnome.ScreenSaver", "/x", "org.gnome.ScreenSaver.GetActive")
            bus.close()
        finally:
            real.kill()

    assert (owned, saver) == (True, None)


def test_the_path_of_the_users_bus_is_found(tmp_path: Path) -> None:
    (tmp_path / "bus").touch()

    assert session_bus({"DBUS_SESSION_BUS_ADDRESS": "unix:guid=1,path=/run/a%20b"}) == "/run/a b"
    assert session_bus({"XDG_RUNTIME_DIR": str(tmp_path)}) == f"{tmp_path}/bus"
    only_abstract = {"DBUS_SESSION_BUS_ADDRESS": "unix:abstract=/x", "XDG_RUNTIME_DIR": "/none"}
    assert session_bus(only_abstract) == ""
    assert system_bus({}) == "/run/dbus/system_bus_socket"
    assert system_bus({"DBUS_SYSTEM_BUS_ADDRESS": "tcp:host=x;unix:path=/b"}) == "/b"
