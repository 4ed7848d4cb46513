"""The little of the X protocol that tells windows apart, over the display's own socket; in workers only.

No library: a window that vanishes in the middle of a question is an empty answer here, and the end
of the process with Xlib. Questions are sent together, so that a hundred windows are one round trip.
Source: "X Window System Protocol", X Version 11, appendix B (protocol encoding):
https://www.x.org/releases/current/doc/xproto/x11protocol.html
"""

import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from edged.errors import DeviceMissing, PermissionDenied

ANSWER_WITHIN_S = 2.0
_LARGEST_ANSWER = 2**22
_LONGEST_PROPERTY = 256
"""Of a property, in units of 4 bytes: a title of 1 kB is enough."""

_COOKIE = b"MIT-MAGIC-COOKIE-1"
_ANY_TYPE = 0
_REPLY_BYTES = 32
_ERROR, _REPLY = 0, 1
_SERIALS = 2**16


class Cookie(Struct, frozen=True):
    """What opens a display; both empty: nothing is needed."""

    name: bytes = b""
    data: bytes = b""


def display_number(display: str) -> int:
    """The number of a display of this machine: 7 of `:7.0`.

    Raises:
        DeviceMissing: the display is none, or another machine's.
    """
    host, colon, rest = display.rpartition(":")
    digits = rest.partition(".")[0]
    if not colon or not digits.isdigit() or host not in {"", "unix"}:
        raise DeviceMissing(
            "there is no X display of this machine",
            fix="start the daemon inside the graphical session, or give it DISPLAY",
        )
    return int(digits)


def socket_path(display: str) -> str:
    """Where the display's server listens."""
    return f"/tmp/.X11-unix/X{display_number(display)}"  # noqa: S108 - where every X server has it


def cookie_for(display: str, authority: str) -> Cookie:
    """What a file of authorities (see Xau(3)) has for a display; nothing where there is none."""
    number = str(display_number(display)).encode()
    try:
        with open(authority, "rb") as file:
            data = file.read(_LARGEST_ANSWER)
    except OSError:
        return Cookie()
    for entry_number, name, secret in _authorities(data):
        if entry_number in {b"", number} and name == _COOKIE:
            return Cookie(name, secret)
    return Cookie()


def _authorities(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Display number, name and secret of each entry; a damaged end is left out."""
    at = 0
    while at + 2 <= len(data):
        at += 2  # the family of the address
        fields = []
        for _ in range(4):
            size = int.from_bytes(data[at : at + 2], "big")
            fields.append(data[at + 2 : at + 2 + size])
            at += 2 + size
        if at <= len(data):
            yield fields[1], fields[2], fields[3]


class X11:
    """A connection to a display. One thread at a time.

    root: the root window of the first screen.
    id_base, id_mask: of the ids that are ours; every program has its own base.

    Args:
        path: of the server's socket. cookie: what opens it.

    Raises:
        DeviceMissing: no server answers there. PermissionDenied: it does not let us in.
    """

    def __init__(self, path: str, cookie: Cookie) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_WITHIN_S)
        self._sent = 0
        self._atoms: dict[str, int] = {}
        self._extensions: dict[str, int] = {}
        self.id_base = self.id_mask = self.root = 0
        try:
            self._socket.connect(path)
            self._greet(cookie)
        except OSError as error:
            self._socket.close()
            raise _gone() from error
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def atom(self, name: str) -> int:
        """The number of a name."""
        if name not in self._atoms:
            data = name.encode()
            request = _request(16, 0, struct.pack("<HH", len(data), 0) + data)
            answer = self.ask([request])[0]
            self._atoms[name] = struct.unpack_from("<I", answer, 8)[0] if answer else 0
        return self._atoms[name]

    def extension(self, name: str) -> int:
        """The opcode of an extension; 0 when the server has none of that name."""
        if name not in self._extensions:
            data = name.encode()
            answer = self.ask([_request(98, 0, struct.pack("<HH", len(data), 0) + data)])[0]
            self._extensions[name] = answer[9] if answer and answer[8] else 0
        return self._extensions[name]

    def property(self, windows: Sequence[int], name: str) -> list[bytes]:
        """The bytes of a property of each window; none where it has none."""
        atom = self.atom(name)
        answers = self.ask(
            [
                _request(
                    20, 0, struct.pack("<IIIII", window, atom, _ANY_TYPE, 0, _LONGEST_PROPERTY)
                )
                for window in windows
            ]
        )
        return [_property(answer) for answer in answers]

    def children(self, windows: Sequence[int]) -> list[tuple[int, ...]]:
        """The windows right inside each one, from the lowest to the topmost."""
        answers = self.ask([_request(15, 0, struct.pack("<I", window)) for window in windows])
        return [
            struct.unpack_from(f"<{struct.unpack_from('<H', answer, 16)[0]}I", answer, 32)
            if answer
            else ()
            for answer in answers
        ]

    def places(self, windows: Sequence[int]) -> list[tuple[int, int, int, int]]:
        """Left, top, width and height with the border of each one, in its parent; 0 wide: it is gone."""
        answers = self.ask([_request(14, 0, struct.pack("<I", window)) for window in windows])
        return [_place(answer) for answer in answers]

    def shown(self, windows: Sequence[int]) -> list[tuple[bool, bool]]:
        """Of each one: whether it is on the screen, and whether no window manager cares for it."""
        answers = self.ask([_request(3, 0, struct.pack("<I", window)) for window in windows])
        viewable = 2
        return [
            (answer[26] == viewable, bool(answer[27])) if answer else (False, False)
            for answer in answers
        ]

    def ask(self, requests: Sequence[bytes]) -> list[bytes]:
        """The whole answer to each request, which must be one that has an answer; empty: an error.

        Raises:
            DeviceMissing: the server is gone.
        """
        first = self._sent + 1
        self._sent += len(requests)
        answers = [b""] * len(requests)
        left = set(range(len(requests)))
        try:
            self._socket.sendall(b"".join(requests))
            while left:
                kind, serial, answer = self._read()
                index = (serial - first) % _SERIALS
                if kind in {_ERROR, _REPLY} and index in left:
                    left.discard(index)
                    answers[index] = answer if kind == _REPLY else b""
        except OSError as error:
            raise _gone() from error
        return answers

    def tell(self, request: bytes) -> None:
        """Send a request that has no answer."""
        self._sent += 1
        self._socket.sendall(request)

    def _read(self) -> tuple[int, int, bytes]:
        head = self._exactly(_REPLY_BYTES)
        kind, serial = head[0], int.from_bytes(head[2:4], "little")
        if kind != _REPLY:
            return kind, serial, head
        return kind, serial, head + self._exactly(4 * int.from_bytes(head[4:8], "little"))

    def _exactly(self, size: int) -> bytes:
        if size > _LARGEST_ANSWER:
            raise ConnectionError("an answer that is too long")
        data = bytearray()
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise ConnectionError("the display's server ended")
            data += piece
        return bytes(data)

    def _greet(self, cookie: Cookie) -> None:
        """Introduce ourselves, and read what the server says of itself."""
        sizes = struct.pack("<HHHHH", 11, 0, len(cookie.name), len(cookie.data), 0)
        self._socket.sendall(b"l\0" + sizes + _padded(cookie.name) + _padded(cookie.data))
        head = self._exactly(8)
        rest = self._exactly(4 * int.from_bytes(head[6:8], "little"))
        if head[0] != 1:
            raise PermissionDenied(
                "the display does not let the daemon in",
                fix="give the daemon XAUTHORITY of the graphical session",
            )
        vendor, formats = int.from_bytes(rest[16:18], "little"), rest[21]
        self.id_base, self.id_mask = struct.unpack_from("<II", rest, 4)
        screen = 32 + (vendor + 3) // 4 * 4 + 8 * formats
        self.root = int.from_bytes(rest[screen : screen + 4], "little")


def request_bytes(opcode: int, detail: int, body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    return _request(opcode, detail, body)


def _request(opcode: int, detail: int, body: bytes) -> bytes:
    body = _padded(body)
    return struct.pack("<BBH", opcode, detail, 1 + len(body) // 4) + body


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _property(answer: bytes) -> bytes:
    if not answer:
        return b""
    unit, length = answer[1] // 8, int.from_bytes(answer[16:20], "little")
    return answer[32 : 32 + unit * length]


def _place(answer: bytes) -> tuple[int, int, int, int]:
    if not answer:
        return (0, 0, 0, 0)
    left, top, width, height, border = struct.unpack_from("<hhHHH", answer, 12)
    return (left, top, width + 2 * border, height + 2 * border)


def _gone() -> DeviceMissing:
    return DeviceMissing("no X server answers at the display")


def authority_path(environ: Mapping[str, str]) -> str:
    """Where the user's authorities lie."""
    return environ.get("XAUTHORITY") or os.path.join(environ.get("HOME", "/"), ".Xauthority")
