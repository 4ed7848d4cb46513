"""A worker seen from the daemon: spawned, called, judged by deadlines, ended.

The daemon's loop thread owns every worker. A worker that dies is not started again here: the
pool does that, with a new one.
"""

import asyncio
import itertools
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from edged.errors import Deadline, EdgedError, Internal, WorkerGone, leaves
from edged.workers import codec, system
from edged.workers.bodies import (
    ORPHANED,
    OUT_OF_MEMORY,
    Confinement,
    Hosted,
    Start,
    Trouble,
)
from edged.workers.channel import FINAL, Buffer, DaemonSide, Frame, Head, Kind, pair, sizes_of

T = TypeVar("T")

WORKER_FLAG = "--edged-worker"
"""How a frozen binary is told to be a worker; edged.__main__ looks at it first."""

TAIL_BYTES = 4_096
"""Of a worker's stdout and stderr: enough for the frames of a crash."""

QUEUED_ANSWERS = 64
QUEUED_BYTES = 4 * 2**20
"""A stream whose reader is slower than its worker: beyond either, the worker waits."""

CANCEL_GRACE_S = 5.0
"""A cancelled call ends at its next border; one without borders for so long is ended by force."""

END_GRACE_S = 2.0
ENDED = "it was ended"
"""The exit reason of a worker that was ended on purpose."""

_LAST_WORDS_S = 0.02
"""How long a dead worker's callers wait for its exit status, which comes after the end."""

_INHERITED = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV",
    "CUDA_VISIBLE_DEVICES", "MALLOC_ARENA_MAX",
)  # fmt: skip

_generations = itertools.count(1)


class WorkerSpec(Struct, frozen=True, kw_only=True):
    """What a worker hosts first, and what holds for the whole process.

    name: of the hosted object; calls without a target go to it.
    module: has `load(argument: bytes, context: WorkerContext) -> object`.
    read_paths: files and folders that stay readable beside the interpreter's own.
    threads: for OMP_NUM_THREADS.
    device_paths: device files of an accelerator that it may use.
    scratch: a folder in which it may make files until the daemon removes it; empty: none.
    programs: that it may start, absolute; they are shut in as it is. environment: beside the usual.
    """

    name: str
    module: str
    argument: bytes = b""
    read_paths: tuple[str, ...] = ()
    threads: int = 1
    device_paths: tuple[str, ...] = ()
    scratch: str = ""
    programs: tuple[str, ...] = ()
    environment: dict[str, str] = {}


class Answer(Struct, frozen=True):
    """What a call returned, or one item of a stream; `to` gives it its type."""

    value: Raw
    parts: tuple[memoryview, ...] = ()

    def to(self, kind: type[T]) -> T:
        """The answer as what the method's annotation says.

        Raises:
            Internal: it is something else.
        """
        try:
            return codec.decode(kind, self.value, iter(self.parts))
        except (msgspec.MsgspecError, StopIteration, UnicodeDecodeError) as error:
            raise Internal(f"a worker answered what is no {kind.__name__}") from error


class Call:
    """One call on its way. Errors are kept here, so that nobody has to wait for them."""

    def __init__(self, number: int, method: str, deadline_s: float) -> None:
        self.number = number
        self.method = method
        self.deadline_s = deadline_s
        self.cancelled = False
        self.finished = False
        self.yielded = False
        self.on_done: Callable[[], None] | None = None
        self._answers: deque[Answer] = deque()
        self._bytes = 0
        self._error: EdgedError | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def failed(self) -> bool:
        """Whether it is over and gave an error."""
        return self._error is not None

    @property
    def full(self) -> bool:
        """Whether the worker has to wait for the reader."""
        return len(self._answers) >= QUEUED_ANSWERS or self._bytes >= QUEUED_BYTES

    def push(self, answer: Answer) -> None:
        """Add what came back."""
        if not self.cancelled:
            self._answers.append(answer)
            self._bytes += sum(part.nbytes for part in answer.parts)
            self._wake()

    def finish(self, error: EdgedError | None = None) -> None:
        """End it; a second time nothing."""
        if not self.finished:
            self.finished = True
            self._error = error
            self._wake()
            if self.on_done is not None:
                self.on_done()

    def cancel(self) -> None:
        """Forget what came and what comes."""
        self.cancelled = True
        self._answers.clear()
        self._bytes = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def take(self) -> Answer | None:
        """The next answer; None when there are no more."""
        while not self._answers:
            if self._error is not None:
                raise self._error
            if self.finished:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        answer = self._answers.popleft()
        self._bytes -= sum(part.nbytes for part in answer.parts)
        return answer


class _Output(asyncio.SubprocessProtocol):
    """Keeps the end of what the process printed, and hears its exit."""

    # typing.override came with Python 3.12, hence the two marks.

    def __init__(self, on_exit: Callable[[], None]) -> None:
        self.tail = b""
        self._on_exit = on_exit

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # type: ignore[explicit-override] # noqa: ARG002 - asyncio's
        self.tail = (self.tail + data)[-TAIL_BYTES:]

    def process_exited(self) -> None:  # type: ignore[explicit-override] # see above
        self._on_exit()


class CallYielded(Exception):
    """The call gave way to a more urgent one and has to be made again; nothing of it counts."""


class Worker:
    """One child process and its calls. Loop thread only; made by `spawn`.

    alive: whether calls can be made. generation: differs for every worker of this daemon.
    confinement: what the kernel holds it by. on_exit: called once when it died or was ended.
    """

    def __init__(self, spec: WorkerSpec) -> None:
        self.name = spec.name
        self.generation = next(_generations)
        self.pid = 0
        self.alive = True
        self.confinement = Confinement(landlock=0, seccomp=False)
        self.on_exit: Callable[[Worker], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._calls: dict[int, Call] = {}
        self._running: Call | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._output = _Output(self._exited)
        self._gone = asyncio.Event()
        self._cause = ""
        self._oom_kills = system.oom_kills()

    @classmethod
    async def spawn(cls, spec: WorkerSpec, *, load_deadline_s: float) -> "Worker":
        """A worker that has loaded its first object.

        Args:
            spec: what to host and what stays readable.
            load_deadline_s: seconds for start and load together.

        Raises:
            Deadline: it took longer. WorkerGone: it died. EngineMissing, CorruptModel, ...: what
                the module's `load` raised.
        """
        worker = cls(spec)
        try:
            async with asyncio.timeout(load_deadline_s):
                await worker._start(spec)
                await worker.load(spec, deadline_s=load_deadline_s)
        except TimeoutError as error:
            await worker.end(grace_s=0)
            raise Deadline(f"{spec.name} was not loaded in {load_deadline_s:g} s") from error
        except BaseException:
            await asyncio.shield(worker.end(grace_s=0))
            raise
        return worker

    async def _start(self, spec: WorkerSpec) -> None:
        ours, theirs = pair()
        self._channel = DaemonSide(ours, self._on_frame, self._on_end)
        with theirs:
            _watch_children()
            transport, _ = await self._loop.subprocess_exec(
                lambda: self._output,
                *_command(theirs.fileno(), self.generation),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd="/",
                env={**_environment(os.environ, spec.threads), **spec.environment},
            )
        self._transport = transport
        self.pid = transport.get_pid()
        start = Start(spec.read_paths, spec.device_paths, spec.scratch, spec.programs)
        answer = await self.answer_of(self._submit("start", "", "start", (start,), deadline_s=60))
        self.confinement = answer.to(Confinement)

    # --- calls ---

    async def load(self, spec: WorkerSpec, *, deadline_s: float) -> None:
        """Host one more object; its files must have been readable from the start."""
        hosted = Hosted(name=spec.name, module=spec.module, argument=spec.argument)
        await self.answer_of(self._submit("call", "", "load", (hosted,), deadline_s=deadline_s))

    async def drop(self, name: str, *, deadline_s: float) -> None:
        """Forget one hosted object."""
        await self.answer_of(self._submit("call", "", "drop", (name,), deadline_s=deadline_s))

    async def call(
        self,
        method: str,
        *arguments: Struct | None,
        deadline_s: float,
        target: str = "",
        fds: Sequence[int] = (),
        priority: int = 0,
    ) -> Answer:
        """Call a method of a hosted object and return its answer. Cancelling frees the caller.

        Args:
            method: its public name.
            arguments: structs as its annotations say; None is left out. Their bytes must not
                change until the answer is there.
            deadline_s: seconds from when the worker takes the call up; then it is killed.
            target: the hosted object's name; the worker's first one by default.
            fds: open descriptors that the call gets copies of; they stay the caller's.
            priority: 0 is the most urgent.

        Raises:
            Deadline: the worker was killed. WorkerGone: it died. CallYielded: make it again.
            EdgedError: the leaf that the method raised.
        """
        call = self._submit(
            "call", target or self.name, method, arguments, deadline_s=deadline_s, fds=fds,
            priority=priority,
        )  # fmt: skip
        return await self.answer_of(call)

    def begin(
        self,
        method: str,
        *arguments: Struct | None,
        deadline_s: float,
        target: str,
        priority: int,
        on_done: Callable[[], None],
    ) -> Call:
        """Send a call now, for `answer_of` or `give_up` later; arguments and errors as for `call`.

        `on_done` is called when the worker is done with it, whether anybody waits or not.
        """
        call = self._submit(
            "call", target, method, arguments, deadline_s=deadline_s, priority=priority
        )
        call.on_done = on_done
        return call

    async def stream(
        self,
        method: str,
        *arguments: Struct | None,
        deadline_s: float,
        target: str = "",
        fds: Sequence[int] = (),
        priority: int = 0,
        on_done: Callable[[], None] | None = None,
    ) -> AsyncGenerator[Answer, None]:
        """Call a method that returns an iterator; arguments and errors as for `call`.

        A reader that stops reading stops the worker after QUEUED_ANSWERS items; closing the
        generator cancels the call. The deadline counts from item to item, while the worker works.
        `on_done` is called when the worker is done with it; its answers may still be waiting.
        """
        call = self._submit(
            "call", target or self.name, method, arguments, deadline_s=deadline_s, fds=fds,
            priority=priority,
        )  # fmt: skip
        call.on_done = on_done
        try:
            while (answer := await self._take(call)) is not None:
                yield answer
        finally:
            self.give_up(call)

    async def answer_of(self, call: Call) -> Answer:
        """The one answer of a call; giving up the wait gives up the call."""
        try:
            answer = await self._take(call)
        finally:
            self.give_up(call)
        if answer is None:
            raise Internal(f"{call.method} gave no answer")
        return answer

    async def _take(self, call: Call) -> Answer | None:
        answer = await call.take()
        if not self._channel.reading and not call.full:
            self._channel.resume()
            self._arm()
        if answer is None and call.yielded:
            raise CallYielded
        return answer

    def _submit(  # noqa: PLR0913 - one call has these facts
        self,
        kind: Kind,
        target: str,
        method: str,
        arguments: Sequence[object],
        *,
        deadline_s: float,
        fds: Sequence[int] = (),
        priority: int = 0,
    ) -> Call:
        if not self.alive:
            raise self._obituary()
        call = Call(next(self._numbers), method, deadline_s)
        encoded, parts = codec.encode_all([one for one in arguments if one is not None])
        head = Head(
            self.generation, call.number, kind, target, method, priority, encoded, sizes_of(parts)
        )
        self._calls[call.number] = call
        if self._running is None:
            self._run(call)
        self._send(head, parts, fds)
        return call

    def _send(self, head: Head, parts: Sequence[Buffer] = (), fds: Sequence[int] = ()) -> None:
        self._channel.send(head, parts, fds)

    def give_up(self, call: Call) -> None:
        """Tell the worker that nobody waits for a call any more; nothing if it is over."""
        if call.finished or call.cancelled:
            return
        call.cancel()
        self._send(Head(self.generation, call.number, "cancel"))
        self._channel.resume()
        if call is self._running:
            call.deadline_s = min(call.deadline_s, CANCEL_GRACE_S)
            self._arm()

    @property
    def calls_in_flight(self) -> int:
        """Calls that the worker has not finished, cancelled ones too."""
        return len(self._calls)

    # --- what comes back ---

    def _on_frame(self, frame: Frame) -> None:
        head = frame.head
        call = self._calls.get(head.call)
        if head.generation != self.generation or call is None:
            return  # a late answer: whoever asked has been told that the worker is gone
        if head.kind in {"item", "result"}:
            call.push(Answer(head.arguments[0] if head.arguments else Raw(b"\xc0"), frame.parts))
        if head.kind in FINAL or head.kind == "dropped":
            self._finish(call, head)
        elif call.full:
            self._channel.pause()
            self._arm()
        else:
            self._arm()

    def _finish(self, call: Call, head: Head) -> None:
        del self._calls[call.number]
        call.yielded = head.kind == "yielded"
        call.finish(_error(head) if head.kind == "error" else None)
        if head.kind != "dropped":
            self._run(self._calls.get(head.next) or next(iter(self._calls.values()), None))

    def _run(self, call: Call | None) -> None:
        """Note which call the worker works on: it says so with every answer, or takes the oldest."""
        self._running = call
        if call is not None and call.cancelled:
            call.deadline_s = min(call.deadline_s, CANCEL_GRACE_S)
        self._arm()

    def _arm(self) -> None:
        """Start the running call's deadline anew; none runs while its reader is the slow one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running is not None and self._channel.reading:
            self._timer = self._loop.call_later(self._running.deadline_s, self._overdue)

    def _overdue(self) -> None:
        call = self._running
        if call is not None:
            message = f"{self.name} did not answer {call.method} in {call.deadline_s:g} s"
            call.finish(Deadline(message, model=self.name))
            self.kill("its call passed the deadline")

    # --- the end ---

    @property
    def exit_reason(self) -> str:
        """Why it ended; empty while it lives."""
        if self.alive:
            return ""
        code = self._transport.get_returncode() if self.pid else None
        if self._cause or code is None:
            return self._cause or "it could not be started"
        if code == -signal.SIGKILL and system.oom_kills() > self._oom_kills:
            return "out of memory: the kernel ended it"
        return _reason(code)

    @property
    def tail(self) -> str:
        """The last lines that the process printed: for the log, when it died unasked."""
        return self._output.tail.decode(errors="replace")

    def kill(self, cause: str) -> None:
        """End it by force, now; callers get WorkerGone when it is gone."""
        self._cause = self._cause or cause
        self._stop()
        if self.pid and self._transport.get_returncode() is None:
            self._transport.kill()

    async def end(self, grace_s: float = END_GRACE_S) -> None:
        """End it: it may finish its call within the grace, then it is killed. May be called twice."""
        if self.alive:
            self._cause = self._cause or ENDED
        self._stop()
        if not self.pid:
            self._bury()
            return
        try:
            async with asyncio.timeout(grace_s):
                await self._gone.wait()
        except TimeoutError:
            self.kill("it did not end")
            await self._gone.wait()

    def _stop(self) -> None:
        """Take no more calls; the worker reads the end of the channel."""
        self.alive = False
        if hasattr(self, "_channel"):
            self._channel.close()

    def _on_end(self, reason: str) -> None:
        """The channel ended by itself: the process died, or sent what is no frame."""
        self.alive = False
        if reason:
            self._cause = self._cause or f"it sent {reason}"
        if not self._gone.is_set():
            self._loop.call_later(_LAST_WORDS_S, self._end_by_force)

    def _end_by_force(self) -> None:
        if not self._gone.is_set():
            self.kill("it closed its channel")
            self._fail_all()

    def _exited(self) -> None:
        """The process is gone and reaped."""
        self._stop()
        self._transport.close()
        self._bury()

    def _bury(self) -> None:
        if self._gone.is_set():
            return
        self._gone.set()
        self._fail_all()
        if self.on_exit is not None:
            self.on_exit(self)

    def _fail_all(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        running, self._running = self._running, None
        for call in self._calls.values():
            call.finish(self._obituary(started=call is running))
        self._calls.clear()

    def _obituary(self, *, started: bool = False) -> WorkerGone:
        reason = self.exit_reason
        return WorkerGone(f"the worker of {self.name} is gone: {reason}", started=started)


def _error(head: Head) -> EdgedError:
    """The leaf that the hosted code raised."""
    try:
        trouble = msgspec.msgpack.decode(head.arguments[0], type=Trouble)
    except (msgspec.MsgspecError, IndexError, UnicodeDecodeError):
        return Internal("a worker sent an error that cannot be read")
    leaf = leaves().get(trouble.code, Internal)
    return leaf(trouble.message, fix=trouble.fix, **trouble.details)


def _reason(code: int) -> str:
    if code < 0:
        return f"killed by signal {-code} ({signal.Signals(-code).name})"
    known = {OUT_OF_MEMORY: "out of memory", ORPHANED: "it was orphaned", 0: "it ended by itself"}
    return known.get(code, f"exited with status {code}")


def _command(descriptor: int, generation: int) -> list[str]:
    """The program that becomes the worker."""
    facts = [str(descriptor), str(os.getpid()), str(generation)]
    if getattr(sys, "frozen", False):
        return [sys.executable, WORKER_FLAG, *facts]
    # -P: a msgspec.py in the working directory must not be imported.
    return [sys.executable, "-P", "-m", "edged.workers.host", *facts]


def _environment(daemon: Mapping[str, str], threads: int) -> dict[str, str]:
    """What a worker sees of the daemon's variables: no proxies, credentials, sockets or home."""
    inherited = {name: daemon[name] for name in _INHERITED if name in daemon}
    if "PYTHONPATH" in inherited:
        # An empty or relative entry would mean the working directory, which is the root.
        entries = inherited["PYTHONPATH"].split(os.pathsep)
        inherited["PYTHONPATH"] = os.pathsep.join(filter(os.path.isabs, entries))
    return inherited | {
        "HOME": "/nonexistent",
        "HF_HUB_OFFLINE": "1",
        # Buffers of a few MB are used again instead of being mapped anew for every call.
        "MALLOC_MMAP_THRESHOLD_": str(8 * 2**20),
        "MALLOC_TRIM_THRESHOLD_": str(16 * 2**20),
        "OMP_NUM_THREADS": str(threads),
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _watch_children() -> None:
    """On Python 3.11 hear of exits through pidfds; its default starts a thread per child."""
    if sys.version_info >= (3, 12) or not hasattr(os, "pidfd_open"):
        return
    watcher = asyncio.get_child_watcher()
    if not isinstance(watcher, asyncio.PidfdChildWatcher):
        watcher = asyncio.PidfdChildWatcher()
        asyncio.set_child_watcher(watcher)
    if not watcher.is_active():
        watcher.attach_loop(asyncio.get_running_loop())
