"""The worker's loop: takes one call after the other, the most urgent first, and answers it.

Single-threaded: while a call runs nothing else is answered, but waiting calls and cancels are
read when the hosted code asks for them.
"""

import faulthandler
import importlib
import os
import resource
import socket
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import msgspec

from edged.errors import BadRequest, EdgedError, EngineMissing, Internal
from edged.workers import codec
from edged.workers.bodies import OUT_OF_MEMORY, Hosted, Start, Trouble
from edged.workers.channel import Frame, Head, Kind, WorkerSide, sizes_of
from edged.workers.context import WorkerContext, Yielded
from edged.workers.sandbox import confine

SWITCH_INTERVAL_S = 0.0005
"""How soon Python hands over between threads; its default makes a short call wait 5 ms."""

_OOM_SCORE = "500"


def run(descriptor: int, generation: int) -> int:
    """Serve until the daemon closes the channel; the return value is the exit status."""
    _settle()
    host = _Host(WorkerSide(socket.socket(fileno=descriptor)), generation)
    status = host.run()
    # Engines' own clean-up at exit is slow and crashes at times; the kernel's is neither.
    sys.stderr.flush()
    os._exit(status)


def _settle() -> None:
    """The process's own settings: dies first when memory is short, leaves no core dump."""
    faulthandler.enable(all_threads=False)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # A core would hold the user's audio. Limit 1 also stops dumps that are piped to a program.
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (min(1, hard) if hard >= 0 else 1, hard))
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(_OOM_SCORE)
    except OSError:
        return  # not Linux, or a container forbids it; only the order of dying differs


class _Host:
    """The hosted objects and the call that runs."""

    def __init__(self, channel: WorkerSide, generation: int) -> None:
        self._channel = channel
        self._generation = generation
        self._objects: dict[str, Any] = {}
        self._pending: list[Frame] = []
        self._cancelled: set[int] = set()
        self._running: Frame | None = None
        self._closed = False
        self._context = WorkerContext(
            call_waiting=self._is_call_waiting,
            cancelled=self._is_cancelled,
            descriptors=lambda: self._running.descriptors if self._running else (),
        )

    def run(self) -> int:
        try:
            self._start()
            while frame := self._next():
                self._serve(frame)
        except ConnectionError:
            return 0
        except MemoryError:
            print("out of memory", file=sys.stderr)  # noqa: T201 - the daemon keeps our stderr
            return OUT_OF_MEMORY
        return 0

    def _start(self) -> None:
        frame = self._channel.receive()
        if frame is None:
            return
        start = msgspec.msgpack.decode(frame.head.arguments[0], type=Start)
        self._send(frame.head.call, "result", confine(start))

    # --- the queue ---

    def _next(self) -> Frame | None:
        """The most urgent waiting call; with none, the first one that comes."""
        while self._running is None and not self._pending and not self._closed:
            self._read_one()
        if self._closed:
            return None
        if self._running is not None:
            return self._running
        self._running = self._pending.pop(0)
        return self._running

    def _read_one(self) -> None:
        frame = self._channel.receive()
        if frame is None:
            self._closed = True
        elif frame.head.generation != self._generation:
            _close_all(frame.descriptors)
        elif frame.head.kind == "cancel":
            self._cancel(frame.head.call)
        else:
            self._pending.append(frame)

    def _read_waiting(self) -> None:
        while not self._closed and self._channel.waiting():
            self._read_one()

    def _cancel(self, call: int) -> None:
        """Mark the running call, or drop a waiting one; for any other it comes too late."""
        if self._running is not None and self._running.head.call == call:
            self._cancelled.add(call)
        for frame in [frame for frame in self._pending if frame.head.call == call]:
            self._pending.remove(frame)
            _close_all(frame.descriptors)
            self._send(call, "dropped")

    def _is_cancelled(self) -> bool:
        self._read_waiting()
        return self._closed or bool(self._cancelled)

    def _is_call_waiting(self) -> bool:
        running = self._running.head.priority if self._running else 0
        return self._is_cancelled() or any(frame.head.priority < running for frame in self._pending)

    def _pick(self) -> int:
        """Choose the call that runs next: urgency first, then age; its id, or 0."""
        self._read_waiting()
        self._pending.sort(key=lambda frame: (frame.head.priority, frame.head.call))
        self._running = self._pending.pop(0) if self._pending else None
        return self._running.head.call if self._running else 0

    # --- one call ---

    def _serve(self, frame: Frame) -> None:
        call = frame.head.call
        kind: Kind = "result"
        value: object = None
        try:
            value = self._answer(frame)
            if isinstance(value, Iterator):
                kind, value = self._stream(call, value), None
        except Yielded:
            kind, value = "yielded", None
        except EdgedError as error:
            kind, value = "error", _trouble(error)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of one request, in this process
            kind, value = "error", _trouble(_unforeseen(error))
        finally:
            _close_all(frame.descriptors)
        self._cancelled.discard(call)
        self._running = None  # a cancel of it that comes now comes too late
        self._send(call, kind, value, following=self._pick())

    def _answer(self, frame: Frame) -> object:
        head = frame.head
        if not head.target:
            self._manage(frame)
            return None
        target = self._objects.get(head.target)
        method = getattr(target, head.method, None)
        if method is None or head.method.startswith("_"):
            raise BadRequest(f"no method {head.method} on {head.target}")
        kinds = codec.parameter_types(getattr(method, "__func__", method))
        if len(kinds) != len(head.arguments):
            raise BadRequest(f"{head.method} takes {len(kinds)} arguments")
        return method(*_arguments(frame, kinds))

    def _stream(self, call: int, items: Iterator[object]) -> Kind:
        """Send every item; stop early when the call was cancelled."""
        try:
            for item in items:
                self._send(call, "item", item)
                if self._is_cancelled():
                    return "yielded"
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
        return "end"

    def _manage(self, frame: Frame) -> None:
        """Load or drop a hosted object."""
        head = frame.head
        if head.method == "load":
            hosted = codec.decode(Hosted, head.arguments[0], iter(frame.parts))
            self._objects[hosted.name] = _load(hosted, self._context)
        elif head.method == "drop":
            self._objects.pop(codec.decode(str, head.arguments[0], iter(())), None)
        else:
            raise BadRequest(f"the host has no method {head.method}")

    def _send(self, call: int, kind: Kind, value: object = None, *, following: int = 0) -> None:
        raw, parts = codec.encode(value)
        head = Head(
            generation=self._generation,
            call=call,
            kind=kind,
            arguments=(raw,),
            sizes=sizes_of(parts),
            next=following,
        )
        self._channel.send(head, parts)


def _arguments(frame: Frame, kinds: tuple[type[Any], ...]) -> list[Any]:
    parts = iter(frame.parts)
    try:
        return [
            codec.decode(kind, raw, parts)
            for kind, raw in zip(kinds, frame.head.arguments, strict=True)
        ]
    except (msgspec.MsgspecError, StopIteration) as error:
        raise BadRequest(f"arguments of {frame.head.method}: {error}") from error


def _load(hosted: Hosted, context: WorkerContext) -> object:
    try:
        module = importlib.import_module(hosted.module)
    except ModuleNotFoundError as error:
        package = (error.name or hosted.module).partition(".")[0]
        raise EngineMissing(f"the package {package} is not installed", model=hosted.name) from error
    loaded: object = module.load(hosted.argument, context)
    return loaded


def _trouble(error: EdgedError) -> Trouble:
    return Trouble(error.code, error.message, error.fix, dict(error.details))


def _unforeseen(error: Exception) -> Internal:
    """A defect, without its message, which could hold what the user said."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    print(f"{frames}{type(error).__name__}", file=sys.stderr, flush=True)  # noqa: T201 - as above
    return Internal(f"the model's code failed with {type(error).__name__}")


def _close_all(descriptors: tuple[int, ...]) -> None:
    for number in descriptors:
        try:
            os.close(number)
        except OSError:
            continue  # the hosted code closed it
