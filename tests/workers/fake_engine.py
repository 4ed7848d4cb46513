"""A model without an engine: what the tests of workers and pool make misbehave.

Imported by real workers (through PYTHONPATH) and by the tests, for its types.
"""

import contextlib
import ctypes
import mmap
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from edged.errors import BadMedia
from edged.models.runtime import ModelSpec
from edged.workers.context import WorkerContext


class Blob(Struct, frozen=True, kw_only=True):
    data: bytes | memoryview
    note: str = ""


class Question(Struct, frozen=True, kw_only=True):
    text: str = ""
    number: int = 0
    yieldable: bool = False


class Reply(Struct, frozen=True, kw_only=True):
    text: str = ""
    number: int = 0


class Fake:
    """A Protocol and its fulfilment in one; every method is a way to behave."""

    def __init__(self, context: WorkerContext, name: str = "", canary: str = "42") -> None:
        self._context = context
        self._name = name
        self._canary = canary
        self._canaries = 0

    def canary(self) -> str:
        self._canaries += 1
        if self._canary == "drifting":
            return str(self._canaries)
        return self._canary

    def who(self, question: Question) -> Reply:
        return Reply(text=self._name + question.text, number=os.getpid())

    def echo(self, blob: Blob) -> Blob:
        return blob

    def fail(self, question: Question) -> Reply:
        raise BadMedia("this is no media", fix="give media", number=question.number)

    def stumble(self, question: Question) -> Reply:
        raise ValueError(question.text)

    def hang(self, question: Question) -> Reply:
        """Block without ever looking at the channel."""
        time.sleep(question.number or 3600)
        return Reply(text="slept")

    def crash(self, question: Question) -> Reply:
        os.kill(os.getpid(), question.number or signal.SIGSEGV)
        ctypes.string_at(0)
        return Reply()

    def exit(self, question: Question) -> Reply:
        os._exit(question.number)

    def exhaust(self, question: Question) -> Reply:
        raise MemoryError(question.text)

    def swell(self, blob: Blob) -> Reply:
        """Use ten times the memory of the input, and give it back."""
        size = 10 * len(blob.data)
        with mmap.mmap(-1, size) as memory:
            for offset in range(0, size, mmap.PAGESIZE):
                memory[offset] = 1
        return Reply(number=size)

    def wait_for(self, blob: Blob) -> Reply:
        """Take until a file is there, whose path the note gives."""
        while not os.path.exists(blob.note):
            time.sleep(0.005)
        return Reply(text="it is there")

    def eat(self, question: Question) -> Reply:
        """Use so many bytes of memory, and keep them."""
        self._eaten = bytearray(question.number)
        return Reply(number=len(self._eaten))

    def count(self, question: Question) -> Iterator[Reply]:
        for number in range(question.number):
            yield Reply(text=question.text, number=number)

    def flood(self, question: Question) -> Iterator[Blob]:
        for number in range(question.number):
            yield Blob(data=bytes(2**20), note=str(number))

    def until_asked(self, question: Question) -> Iterator[Reply]:
        """Work in short blocks until something else waits; then yield, if that is allowed."""
        until = time.monotonic() + question.number / 1000
        while time.monotonic() < until:
            self._context.give_way(yieldable=question.yieldable)
            time.sleep(0.001)
        yield Reply(text="ran through" if not question.yieldable else "was not interrupted")

    def until_asked_once(self, question: Question) -> Reply:
        """Take so many ms, whatever waits."""
        time.sleep(question.number / 1000)
        return Reply(text="done")

    def read_descriptor(self, question: Question) -> Blob:
        first = self._context.descriptors()[question.number]
        return Blob(data=os.pread(first, 1000, 0))

    def read(self, question: Question) -> Reply:
        return Reply(text=_try(lambda: open(question.text, "rb").close()))

    def write(self, question: Question) -> Reply:
        return Reply(text=_try(lambda: open(question.text, "xb").close()))

    def execute(self, question: Question) -> Reply:
        return Reply(text=_try(lambda: os.execv(question.text, [question.text])))  # noqa: S606 - refused

    def run(self, question: Question) -> Reply:
        """What a program prints that is started, with one argument."""
        found = subprocess.run(question.text.split(), capture_output=True, text=True, check=False)
        return Reply(text=found.stdout.strip() or found.stderr.strip())

    def connect(self, question: Question) -> Reply:
        return Reply(text=_try(lambda: socket.socket(question.number).close()))

    def modules(self, question: Question) -> Reply:
        return Reply(text=str(sys.modules[question.text].__file__))

    def variable(self, question: Question) -> Reply:
        return Reply(text=os.environ.get(question.text, "absent"))

    def garble(self, question: Question) -> Reply:
        """Write what is no frame into the channel, wherever that is."""
        for descriptor in range(3, 256):  # as many as the tests' own process may have open
            with contextlib.suppress(OSError):
                os.write(descriptor, b"\xff" * 200)
        return Reply(text=question.text)

    def speak(self, question: Question) -> Reply:
        os.write(2, question.text.encode())
        return Reply()


def _try(action: object) -> str:
    """`done`, or the name of the errno."""
    try:
        action()  # type: ignore[operator] # a lambda of ours
    except OSError as error:
        return str(error.strerror)
    return "done"


def load(argument: bytes, context: WorkerContext) -> Fake:
    """Load as the argument says: nothing, a word, or a ModelSpec."""
    if argument == b"hang":
        time.sleep(3600)
    if argument == b"crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if argument == b"refuse":
        raise BadMedia("this model cannot be loaded")
    if not argument or argument.isalpha():
        return Fake(context, argument.decode())
    spec = msgspec.msgpack.decode(argument, type=ModelSpec)
    if os.path.exists(str(spec.parameters.get("crash_if", ""))):
        os.kill(os.getpid(), signal.SIGKILL)
    gate = str(spec.parameters.get("load_when", ""))
    while gate and not os.path.exists(gate):
        time.sleep(0.005)
    return Fake(context, spec.id, str(spec.parameters.get("canary", "42")))
