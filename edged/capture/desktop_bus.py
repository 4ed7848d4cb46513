"""The little of D-Bus that asks a desktop whether it is locked; in workers only.

One question is a method call without side effects to a service that is running anyway: none is started.
Source: D-Bus Specification 0.43, "Message Protocol" and "Authentication Protocol":
https://dbus.freedesktop.org/doc/dbus-specification.html
"""

import os
import socket
import struct
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

ANSWER_WITHIN_S = 0.5
_SYSTEM_BUS = "/run/dbus/system_bus_socket"

_CALL, _RETURN, _ERROR = 1, 2, 3
_START_NOTHING = 0x2
_PATH, _INTERFACE, _MEMBER, _ANSWERS, _TO, _SIGNATURE = 1, 2, 3, 5, 6, 8
_HEAD_BYTES = 16
_LARGEST = 2**20
_BUS = "org.freedesktop.DBus"


def session_bus(environ: Mapping[str, str]) -> str:
    """The path of the user's own bus; empty when there is none with a path."""
    if named := _path_of(environ.get("DBUS_SESSION_BUS_ADDRESS", "")):
        return named
    folder = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return f"{folder}/bus" if os.path.exists(f"{folder}/bus") else ""


def system_bus(environ: Mapping[str, str]) -> str:
    """The path of the machine's bus."""
    return _path_of(environ.get("DBUS_SYSTEM_BUS_ADDRESS", "")) or _SYSTEM_BUS


def _path_of(addresses: str) -> str:
    """The first of some addresses that is a path; empty: none is."""
    for address in addresses.split(";"):
        kind, _, settings = address.partition(":")
        for setting in settings.split(","):
            if kind == "unix" and setting.startswith("path="):
                return unquote(setting.removeprefix("path="))
    return ""


class Bus:
    """A connection to a bus. One thread at a time.

    Args:
        path: of its socket.

    Raises:
        OSError: nobody answers there, or not as a bus does.
    """

    def __init__(self, path: str) -> None:
        self._serial = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_WITHIN_S)
        try:
            self._socket.connect(path)
            self._greet()
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def ask(self, to: str, path: str, method: str, *words: str) -> bool | None:
        """A service's answer of yes or no; None when it is not there, or answers something else.

        Args:
            to: the service's name.
            path: of its object.
            method: with its interface before the last dot.
            words: the method's arguments.

        Raises:
            OSError: the bus is gone, or does not answer in time.
        """
        body, kind = self._answer(self._call(to, path, method, words))
        if kind.startswith("b"):
            return bool(struct.unpack_from("<I", body)[0])
        if kind.startswith("v") and body[:3] == b"\1b\0":
            return bool(struct.unpack_from("<I", body, 4)[0])
        return None

    def _greet(self) -> None:
        user = str(os.getuid()).encode().hex()
        self._socket.sendall(f"\0AUTH EXTERNAL {user}\r\n".encode())
        if not self._line().startswith(b"OK "):
            raise PermissionError("the bus does not let us in")
        self._socket.sendall(b"BEGIN\r\n")
        self._answer(self._call(_BUS, "/org/freedesktop/DBus", f"{_BUS}.Hello", ()))

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\r\n") and len(line) < _LARGEST:
            line += self._exactly(1)
        return line

    def _call(self, to: str, path: str, method: str, words: tuple[str, ...]) -> int:
        """Send a call; returns its number."""
        self._serial += 1
        interface, _, member = method.rpartition(".")
        facts = [(_PATH, "o", path), (_INTERFACE, "s", interface), (_MEMBER, "s", member),
                 (_TO, "s", to)]  # fmt: skip
        if words:
            facts.append((_SIGNATURE, "g", "s" * len(words)))
        self._socket.sendall(message(_CALL, self._serial, facts, _texts(words)))
        return self._serial

    def _answer(self, serial: int) -> tuple[bytes, str]:
        """The body of the answer to a call, and what it is; empty for an error."""
        while True:
            kind, facts, body = self._read()
            if kind in {_RETURN, _ERROR} and facts.get(_ANSWERS) == serial:
                signature = facts.get(_SIGNATURE, "")
                return (body, str(signature)) if kind == _RETURN else (b"", "")

    def _read(self) -> "tuple[int, dict[int, str | int], bytes]":
        head = self._exactly(_HEAD_BYTES)
        body_bytes, facts_bytes = struct.unpack_from("<I4xI", head, 4)
        if head[:1] != b"l" or max(body_bytes, facts_bytes) > _LARGEST:
            raise ConnectionError("what comes is no answer of a bus")
        facts = self._exactly(facts_bytes + -facts_bytes % 8)
        return head[1], dict(_facts(facts[:facts_bytes])), self._exactly(body_bytes)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise ConnectionError("the bus ended")
            data += piece
        return data


def message(kind: int, serial: int, facts: "list[tuple[int, str, str]]", body: bytes) -> bytes:
    """A message as it goes over the wire, little-endian."""
    fields = b""
    for code, form, value in facts:
        fields += bytes(-len(fields) % 8) + bytes([code, 1]) + form.encode() + b"\0"
        text = value.encode()
        if form == "u":
            fields += int(value).to_bytes(4, "little")
        elif form == "g":
            fields += bytes([len(text)]) + text + b"\0"
        else:
            fields += struct.pack("<I", len(text)) + text + b"\0"
    head = struct.pack("<cBBBIII", b"l", kind, _START_NOTHING, 1, len(body), serial, len(fields))
    return head + fields + bytes(-len(fields) % 8) + body


def _texts(words: tuple[str, ...]) -> bytes:
    body = b""
    for word in words:
        body += bytes(-len(body) % 4)
        body += struct.pack("<I", len(word.encode())) + word.encode() + b"\0"
    return body


def _facts(data: bytes) -> "Iterator[tuple[int, str | int]]":
    """The fields of a head: numbers and texts; a field of any other form ends them.

    Raises:
        ConnectionError: they are cut off.
    """
    at = 0
    try:
        while at < len(data):
            at += -at % 8
            code, form = data[at], data[at + 1 : at + 4]
            at += 4
            if form == b"\1g\0":
                size, at = data[at], at + 1
            elif form in {b"\1s\0", b"\1o\0"}:
                size, at = struct.unpack_from("<I", data, at)[0], at + 4
            elif form == b"\1u\0":
                yield code, struct.unpack_from("<I", data, at)[0]
                at += 4
                continue
            else:
                return
            yield code, data[at : at + size].decode(errors="replace")
            at += size + 1
    except (IndexError, struct.error) as error:
        raise ConnectionError("an answer of the bus is cut off") from error
