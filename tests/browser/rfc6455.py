"""The client's side of a WebSocket, as much of it as WebDriver BiDi needs. Source: RFC 6455."""

import base64
import os
import socket
import struct

CONTINUED, TEXT, CLOSE, PING, PONG = 0x0, 0x1, 0x8, 0x9, 0xA
LAST = 0x80
MASKED = 0x80
SHORT, LONG = 126, 127
"""Marks of a length that follows in 2 or 8 bytes."""


class WebSocket:
    """A connection to a server on this machine; close it. One thread may send while another receives."""

    def __init__(self, port: int, path: str, *, within_s: float = 10.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), within_s)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._stream = self._socket.makefile("rb")
        status = self._stream.readline()
        assert b" 101 " in status, status
        while self._stream.readline() not in {b"\r\n", b""}:
            pass
        self._socket.settimeout(None)

    def send(self, text: str) -> None:
        """Send one message."""
        self._send(TEXT, text.encode())

    def receive(self) -> str | None:
        """The next message; None when the connection has ended."""
        pieces: list[bytes] = []
        while frame := self._frame():
            kind, last, data = frame
            if kind == CLOSE:
                break
            if kind == PING:
                self._send(PONG, data)
            elif kind in {TEXT, CONTINUED}:
                pieces.append(data)
                if last:
                    return b"".join(pieces).decode()
        self._stream.close()
        return None

    def close(self) -> None:
        """End the connection; a thread that receives is told."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        finally:
            self._socket.close()

    def _send(self, kind: int, data: bytes) -> None:
        size = len(data)
        head = bytes((LAST | kind,))
        if size < SHORT:
            head += bytes((MASKED | size,))
        elif size < 1 << 16:
            head += struct.pack(">BH", MASKED | SHORT, size)
        else:
            head += struct.pack(">BQ", MASKED | LONG, size)
        # Firefox ends a connection whose mask is zero.
        mask = os.urandom(4)
        repeated = int.from_bytes((mask * (size // 4 + 1))[:size])
        masked = (int.from_bytes(data) ^ repeated).to_bytes(size)
        self._socket.sendall(head + mask + masked)

    def _frame(self) -> tuple[int, bool, bytes] | None:
        try:
            first, size = self._exactly(2)
            size &= ~MASKED
            if size == SHORT:
                (size,) = struct.unpack(">H", self._exactly(2))
            elif size == LONG:
                (size,) = struct.unpack(">Q", self._exactly(8))
            return first & 0x0F, bool(first & LAST), self._exactly(size)
        except (OSError, EOFError, ValueError):
            return None

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise EOFError
        return data
