"""Is a pull as quick as its server, although it hashes and keeps what comes, and in what memory?

Two servers on the loopback interface: Python's own `http.server`, and one that uses sendfile and
so outruns any hash. Every contestant is a process of its own, which times itself without its start.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

import msgspec
import urllib3
from msgspec import Struct

from benchmarks.figures import Figure, interleaved, ratio
from edged.config import Pull, find_paths
from edged.models.manifest import Manifest
from edged.models.pull.puller import Puller

TITLE = "Pulling a model of 500 MB"

SIZE_BYTES = 500_000_000
_BLOCK_BYTES = 2**20
_NAME = "model.bin"


class Taken(Struct, frozen=True, kw_only=True):
    """What a process measured of itself: seconds, and its greatest resident memory in MB."""

    seconds: float
    peak: float


def measure(*, quick: bool) -> list[Figure]:
    """Rounds of a reader that throws away, one that also hashes and writes, and our puller."""
    rounds = 3 if quick else 9
    peaks: list[float] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sha256 = _make(Path(folder, _NAME))
        plain = stack.enter_context(_server(folder, "plain"))
        quickest = stack.enter_context(_server(folder, "sendfile"))

        def run(what: str, url: str) -> float:
            taken = _child(what, url, sha256)
            if what == "pull":
                peaks.append(taken.peak)
            return SIZE_BYTES / 1e6 / taken.seconds

        found = interleaved(
            {
                "read": lambda: run("read", plain),
                "inline": lambda: run("inline", plain),
                "pull": lambda: run("pull", plain),
                "read sendfile": lambda: run("read", quickest),
                "inline sendfile": lambda: run("inline", quickest),
                "pull sendfile": lambda: run("pull", quickest),
                "hash": lambda: run("hash", str(Path(folder, _NAME))),
            },
            rounds,
        )
    return _figures(found, peaks)


def _figures(found: dict[str, list[float]], peaks: list[float]) -> list[Figure]:
    share = ratio(found, "pull", "read") * 100
    return [
        Figure(what="pull beside `http.server`'s own speed", value=share, unit="%", least=90),
        Figure(what="most memory of the process that pulls", value=max(peaks), unit="MB", most=64),
        _speed("`http.server` to a reader that discards", found["read"]),
        _speed("to one that hashes and writes, one after the other", found["inline"]),
        _speed("to our puller: resumable, hashed, on the disk", found["pull"]),
        _speed("a sendfile server to a reader that discards", found["read sendfile"]),
        _speed("to one that hashes and writes", found["inline sendfile"]),
        _speed("to our puller", found["pull sendfile"]),
        _speed("sha256 alone, of a file in memory, on one core", found["hash"]),
    ]


def _speed(what: str, values: list[float]) -> Figure:
    note = f"{min(values):.0f} to {max(values):.0f}"
    return Figure(what=what, value=median(values), unit="MB/s", note=note)


def _make(path: Path) -> str:
    """A file of bytes that no disk or line can shorten; its hash."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(SIZE_BYTES // 10**6):
            block = os.urandom(10**6)
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


@contextmanager
def _server(folder: str, kind: str) -> Iterator[str]:
    """The address of the file at a server in a process of its own."""
    code = [sys.executable, "-m", "benchmarks.bench_pull", f"serve-{kind}", folder]
    process = subprocess.Popen(code, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/{_NAME}"
    finally:
        process.kill()
        process.communicate()


def _child(what: str, url: str, sha256: str) -> Taken:
    code = [sys.executable, "-m", "benchmarks.bench_pull", what, url, sha256]
    done = subprocess.run(code, stdout=subprocess.PIPE, check=True, timeout=120)
    return msgspec.json.decode(done.stdout, type=Taken)


# --- in the child ---


class _Plain(BaseHTTPRequestHandler):
    """The file, as http.server's SimpleHTTPRequestHandler sends it; that one logs each request."""

    protocol_version = "HTTP/1.1"
    folder = ""

    def log_message(self, *_arguments: object) -> None:  # type: ignore[explicit-override] # typing.override came with Python 3.12
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer with the whole file."""
        with Path(self.folder, _NAME).open("rb") as file:
            self.send_response(200)
            self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self.end_headers()
            self.send(file.fileno())

    def send(self, file: int) -> None:
        """The body, in the pieces of shutil.copyfileobj."""
        while block := os.read(file, shutil.COPY_BUFSIZE):  # type: ignore[attr-defined] # not in its stub
            self.wfile.write(block)


class _Sendfile(_Plain):
    """The same without a copy in Python."""

    def send(self, file: int) -> None:  # type: ignore[explicit-override] # as above
        """The body, by the kernel."""
        self.wfile.flush()
        place = 0
        while sent := os.sendfile(self.connection.fileno(), file, place, SIZE_BYTES):
            place += sent


def _serve(handler: type[_Plain], folder: str) -> None:
    handler.folder = folder
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


def _blocks(url: str) -> Iterator[bytes]:
    response = urllib3.PoolManager().request("GET", url, preload_content=False)
    yield from response.stream(_BLOCK_BYTES, decode_content=False)


def _read(url: str, _sha256: str, _home: Path) -> None:
    assert sum(map(len, _blocks(url))) == SIZE_BYTES


def _inline(url: str, sha256: str, home: Path) -> None:
    digest = hashlib.sha256()
    with (home / "kept").open("wb", buffering=0) as file:
        for block in _blocks(url):
            digest.update(block)
            file.write(block)
        os.fsync(file.fileno())
    assert digest.hexdigest() == sha256


def _hash(path: str, sha256: str, _home: Path) -> None:
    with open(path, "rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _pull(url: str, sha256: str, home: Path) -> None:
    source = {"kind": "https", "url": url}
    file = {"name": _NAME, "bytes": SIZE_BYTES, "sha256": sha256, "sources": [source]}
    plain = {
        "id": "large",
        "task": "infer",
        "engine": "onnx",
        "description": "",
        "license": "MIT",
        "memory_bytes": 1,
        "files": [file],
    }
    paths = find_paths({"EDGED_HOME": str(home)})
    puller = Puller(paths, Pull(), tell=lambda _told: None, trust=lambda *_: False)
    assert puller.pull(msgspec.convert(plain, Manifest)).fetched_bytes == SIZE_BYTES


_CONTESTANTS = {"read": _read, "inline": _inline, "pull": _pull, "hash": _hash}


def _run(what: str, url: str, sha256: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        _CONTESTANTS[what](url, sha256, Path(home))
        seconds = time.perf_counter() - started
        taken = Taken(seconds=seconds, peak=_peak())
        sys.stdout.buffer.write(msgspec.json.encode(taken))


def _peak() -> float:
    """The greatest resident memory of this process so far, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = next(line for line in lines if line.startswith("VmHWM"))
    return int(found.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve-plain", folder]:
            _serve(_Plain, folder)
        case ["serve-sendfile", folder]:
            _serve(_Sendfile, folder)
        case [what, url, sha256]:
            _run(what, url, sha256)
