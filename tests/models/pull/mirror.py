"""A real HTTP server on the loopback interface that does what a test tells it, also wrongly."""

import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from msgspec import Struct


class Asked(Struct, frozen=True):
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]

    @property
    def start(self) -> int:
        """Where the range begins that it asks for; 0 without one."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(found[1]) if found else 0


class Answer(Struct, frozen=True, kw_only=True):
    """What to send. length: the one to announce; None: the true one; -1: none.

    cut: close after so many bytes of the body. stall: go silent after them, until the end.
    """

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""
    length: int | None = None
    cut: int | None = None
    stall: bool = False


Script = Callable[[Asked], Answer]


class Mirror:
    """The server; `asked` grows by every request."""

    def __init__(self, *answers: Script | Answer) -> None:
        self._answers = list(answers)
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self.port = 0

    @property
    def url(self) -> str:
        """The address of the file."""
        return f"http://127.0.0.1:{self.port}/model.bin"

    @property
    def ranges(self) -> list[str]:
        """The Range of every request, empty without one."""
        return [one.headers.get("Range", "") for one in self.asked]

    def answer(self, asked: Asked) -> Answer:
        """The next of the answers; the last one for ever."""
        self.asked.append(asked)
        chosen = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return chosen if isinstance(chosen, Answer) else chosen(asked)


@contextmanager
def serving(*answers: Script | Answer, tls: ssl.SSLContext | None = None) -> Iterator[Mirror]:
    """Run it in threads that end with the `with`."""
    mirror = Mirror(*answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:  # type: ignore[explicit-override] # typing.override came with Python 3.12
            """Say nothing."""

        def do_GET(self) -> None:
            self.close_connection = True
            answer = mirror.answer(Asked(self.path, dict(self.headers)))
            self.send_response(answer.status)
            length = len(answer.body) if answer.length is None else answer.length
            if length >= 0:
                self.send_header("Content-Length", str(length))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body[: answer.cut])
            self.wfile.flush()
            if answer.stall:
                mirror.over.wait(15)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    mirror.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield mirror
    finally:
        mirror.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def good(content: bytes, *, etag: str = '"one"', cut: int | None = None) -> Script:
    """A server as it should be: ranges, If-Range, 416; `cut`: but it hangs up after that much."""

    def script(asked: Asked) -> Answer:
        headers = {"ETag": etag, "Accept-Ranges": "bytes"}
        start = asked.start
        if asked.headers.get("If-Range", etag) != etag:
            start = 0
        if start > len(content) or (start and start == len(content)):
            gone = {**headers, "Content-Range": f"bytes */{len(content)}"}
            return Answer(status=416, headers=gone)
        if not start:
            return Answer(headers=headers, body=content, cut=cut)
        part = f"bytes {start}-{len(content) - 1}/{len(content)}"
        rest = {**headers, "Content-Range": part}
        return Answer(status=206, headers=rest, body=content[start:], cut=cut)

    return script
