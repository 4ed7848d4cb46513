"""Starts the registered host as a browser would, and says what it answered. Blocks; no asyncio."""

import json
import os
import select
import shlex
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from edged.bridge.browsers.kinds import Family
from edged.bridge.browsers.manifests import Fault
from edged.bridge.browsers.system import Platform
from edged.errors import DaemonDown, Deadline, HostNotRegistered

ANSWER_WITHIN_S: Final = 25.0
"""It may have to start the daemon first, which may take 20 s."""

END_WITHIN_S: Final = 3.0
LARGEST_ANSWER: Final = 2**20
_SHEBANG_BYTES: Final = 512
_LENGTH: Final = struct.Struct("=I")


class Trial(Struct, frozen=True, kw_only=True):
    """What came of it. ms: from the start to the first message; fault: why there was none."""

    host: str
    ms: float = 0.0
    version: str = ""
    fault: Fault | None = None


def words_for(host: Path, family: Family, manifest: Path, extension_id: str) -> list[str]:
    """The command line with which a browser of this family starts a host."""
    if family == "chromium":
        return [str(host), f"chrome-extension://{extension_id}/"]
    return [str(host), str(manifest), extension_id]


def faults_of(host: Path, platform: Platform) -> Iterator[Fault]:
    """What is wrong with the host's file, as far as it can be seen without starting it."""
    try:
        facts = host.stat()
    except OSError as error:
        yield _fault(f"the host that it names cannot be reached: {error.strerror}")
        return
    if not stat.S_ISREG(facts.st_mode):
        yield _fault("the host that it names is no file")
        return
    if platform == "win32":
        return
    if not os.access(host, os.X_OK):
        yield _fault("the host is not executable")
    missing = _missing_interpreter(host)
    if missing:
        yield _fault(f"the host's interpreter is not there: {missing}")
    if facts.st_mode & stat.S_IWOTH:
        yield _fault("everybody may change the host's file")


def _missing_interpreter(host: Path) -> str:
    """What the first line, or our launcher's `exec`, names and is not there; empty: all is there."""
    try:
        with host.open("rb") as file:
            start = file.read(_SHEBANG_BYTES)
    except OSError:
        return ""
    if not start.startswith(b"#!"):
        return ""
    lines = start.decode(errors="replace").splitlines()
    named = [lines[0].removeprefix("#!").split()[:1]]
    named += [
        shlex.split(line)[1:2] for line in lines if line.startswith("exec ") and '"$@"' in line
    ]
    for words in named:
        if words and words[0].startswith("/") and not Path(words[0]).exists():
            return words[0]
    return ""


def start(words: Sequence[str], *, within_s: float = ANSWER_WITHIN_S) -> Trial:
    """Start a host, wait for its first message, close its pipe, and wait for its end.

    Args:
        words: its command line, from `words_for`.
        within_s: how long it may take to the first message.
    """
    host, command = words[0], list(words)
    if sys.platform == "win32":
        command = ["cmd.exe", "/d", "/s", "/c", *command]
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(host).parent,
        )
    except OSError as error:
        return Trial(host=host, fault=_fault(f"the host does not start: {error.strerror}"))
    try:
        answer = _first(process, began + within_s)
        spent = (time.monotonic() - began) * 1000
    finally:
        _end(process)
    return _judged(host, answer, spent, process.returncode)


def _first(process: "subprocess.Popen[bytes]", until: float) -> bytes | None:
    """The first message, or what stands for it; b"" when the host ended; None: nothing in time."""
    head = _exactly(process, _LENGTH.size, until)
    if head is None:
        return None
    if len(head) < _LENGTH.size:
        return b""
    length: int = _LENGTH.unpack(head)[0]
    if not 0 < length <= LARGEST_ANSWER:
        return head
    return _exactly(process, length, until)


def _exactly(process: "subprocess.Popen[bytes]", size: int, until: float) -> bytes | None:
    """So many bytes, fewer when the pipe ended; None when time was up."""
    assert process.stdout is not None  # noqa: S101 - for mypy: it was asked for
    got = b""
    while len(got) < size:
        if sys.platform != "win32":
            left = max(0.0, until - time.monotonic())
            if not select.select([process.stdout], [], [], left)[0]:
                return None
        block = os.read(process.stdout.fileno(), size - len(got))
        if not block:
            return got
        got += block
    return got


def _end(process: "subprocess.Popen[bytes]") -> None:
    """As browsers do: close the pipe, wait, end it."""
    assert process.stdin is not None  # noqa: S101 - for mypy: it was asked for
    process.stdin.close()
    try:
        process.wait(END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _judged(host: str, answer: bytes | None, ms: float, status: int) -> Trial:
    if answer is None:
        fault = Fault(
            code=Deadline.code,
            text="the host says nothing",
            fix="look into native-host.log in the state folder",
        )
        return Trial(host=host, ms=ms, fault=fault)
    said = _object(answer)
    told = said.get("host") if said else None
    if not isinstance(told, dict):
        text = f"the host ended with status {status}" if not answer else "the host wrote no message"
        return Trial(host=host, ms=ms, fault=_fault(text))
    if told.get("type") == "ready":
        return Trial(host=host, ms=ms, version=str(told.get("version", "")))
    return Trial(host=host, ms=ms, fault=_refused(told.get("error")))


def _refused(error: object) -> Fault:
    """What the host itself gives as its reason."""
    said = error if isinstance(error, dict) else {}
    return Fault(
        code=str(said.get("code", DaemonDown.code)),
        text=str(said.get("message", "the host refused")),
        fix=str(said.get("fix", DaemonDown.advice)),
    )


def _object(answer: bytes) -> dict[str, object] | None:
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _fault(text: str) -> Fault:
    return Fault(
        code=HostNotRegistered.code,
        text=text,
        fix="edged browser install writes it anew; then see native-host.log in the state folder",
    )
