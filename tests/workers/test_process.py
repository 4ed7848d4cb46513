"""Real child processes, ended in every way that a process can end."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from fake_engine import Blob, Question, Reply

from edged import __main__ as entry
from edged.errors import BadMedia, BadRequest, Deadline, EngineMissing, Internal, WorkerGone
from edged.workers import bodies, host, process, system
from edged.workers.channel import Frame, Head
from edged.workers.process import CallYielded, Worker, WorkerSpec

FAKE = WorkerSpec(name="fake", module="fake_engine")
SOON = 5.0


@contextlib.asynccontextmanager
async def running(spec: WorkerSpec = FAKE) -> AsyncIterator[Worker]:
    worker = await Worker.spawn(spec, load_deadline_s=10)
    try:
        yield worker
    finally:
        await worker.end()


async def until(condition: Callable[[], bool], within_s: float = SOON) -> None:
    """Poll what only the kernel knows; there is no event to wait for."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.001)


async def ask(worker: Worker, method: str, text: str = "", number: int = 0) -> Reply:
    question = Question(text=text, number=number)
    return (await worker.call(method, question, deadline_s=SOON)).to(Reply)


def is_alive(pid: int) -> bool:
    return system.state_of(pid) not in {"", "Z", "X"}


def test_a_call_is_answered_by_another_process() -> None:
    async def scenario() -> Reply:
        async with running() as worker:
            return await ask(worker, "who", "there")

    reply = asyncio.run(scenario())

    assert reply.text == "there"
    assert reply.number != os.getpid()


@pytest.mark.parametrize("size", [0, 1, 2_000, 150_000, 2_000_000])
def test_parts_arrive_intact(size: int) -> None:
    data = os.urandom(size)

    async def scenario() -> Blob:
        async with running() as worker:
            answer = await worker.call("echo", Blob(data=data, note="x"), deadline_s=SOON)
            return answer.to(Blob)

    assert asyncio.run(scenario()) == Blob(data=data, note="x")


def test_descriptors_travel_with_the_call_and_are_closed_after_it(tmp_path: Path) -> None:
    path = tmp_path / "media"
    path.write_bytes(b"content")

    async def scenario() -> list[Blob]:
        async with running() as worker:
            found: list[Blob] = []
            for _ in range(40):  # more than a worker that leaked them would survive below
                with path.open("rb") as file:
                    answer = await worker.call(
                        "read_descriptor", Question(), fds=[file.fileno()], deadline_s=SOON
                    )
                found.append(answer.to(Blob))
            assert len(os.listdir(f"/proc/{worker.pid}/fd")) < 20
            return found

    assert asyncio.run(scenario()) == [Blob(data=b"content")] * 40


def test_a_file_outside_is_readable_by_descriptor_only(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"x")

    async def scenario() -> str:
        async with running() as worker:
            return (await ask(worker, "read", str(path))).text

    assert asyncio.run(scenario()) == "Permission denied"


def test_leaves_of_the_error_tree_cross_the_channel() -> None:
    async def scenario() -> None:
        async with running() as worker:
            await ask(worker, "fail", number=7)

    with pytest.raises(BadMedia, match="this is no media") as caught:
        asyncio.run(scenario())
    assert caught.value.fix == "give media"
    assert caught.value.details == {"number": 7}


def test_an_unforeseen_error_keeps_its_message_in_the_worker() -> None:
    async def scenario() -> tuple[str, str]:
        async with running() as worker:
            with pytest.raises(Internal) as caught:
                await ask(worker, "stumble", "what the user said")
            await ask(worker, "who")
            await until(lambda: "ValueError" in worker.tail)
            return caught.value.message, worker.tail

    message, tail = asyncio.run(scenario())

    assert "ValueError" in message
    assert "what the user said" not in message + tail


def test_unknown_and_private_methods_are_refused() -> None:
    async def scenario() -> None:
        async with running() as worker:
            for method in ("nothing", "_canary", "__init__"):
                with pytest.raises(BadRequest):
                    await ask(worker, method)
            with pytest.raises(BadRequest):
                await worker.call("who", deadline_s=SOON)

    asyncio.run(scenario())


def test_a_missing_module_is_a_missing_engine() -> None:
    spec = WorkerSpec(name="fake", module="edged_no_such_engine")

    with pytest.raises(EngineMissing, match="edged_no_such_engine"):
        asyncio.run(Worker.spawn(spec, load_deadline_s=SOON))


def test_a_refused_load_leaves_no_process() -> None:
    async def scenario() -> None:
        spec = WorkerSpec(name="fake", module="fake_engine", argument=b"refuse")
        with pytest.raises(BadMedia):
            await Worker.spawn(spec, load_deadline_s=SOON)
        await until(lambda: not children())

    asyncio.run(scenario())


def test_a_load_that_hangs_ends_at_its_deadline() -> None:
    async def scenario() -> None:
        spec = WorkerSpec(name="fake", module="fake_engine", argument=b"hang")
        with pytest.raises(Deadline):
            await Worker.spawn(spec, load_deadline_s=0.5)
        await until(lambda: not children())

    asyncio.run(scenario())


def test_two_objects_live_in_one_worker() -> None:
    async def scenario() -> list[Reply]:
        async with running() as worker:
            second = WorkerSpec(name="second", module="fake_engine", argument=b"second")
            await worker.load(second, deadline_s=SOON)
            answers = [
                await worker.call("who", Question(), target=name, deadline_s=SOON)
                for name in ("fake", "second")
            ]
            await worker.drop("second", deadline_s=SOON)
            with pytest.raises(BadRequest):
                await worker.call("who", Question(), target="second", deadline_s=SOON)
            return [answer.to(Reply) for answer in answers]

    first, second = asyncio.run(scenario())

    assert (first.text, second.text) == ("", "second")
    assert first.number == second.number


# --- streams ---


def test_a_stream_gives_every_item_in_order() -> None:
    async def scenario() -> list[int]:
        async with running() as worker:
            items = worker.stream("count", Question(number=1000), deadline_s=SOON)
            return [answer.to(Reply).number async for answer in items]

    assert asyncio.run(scenario()) == list(range(1000))


def test_a_slow_reader_stops_the_worker_instead_of_filling_memory() -> None:
    async def scenario() -> int:
        async with running() as worker:
            items = worker.stream("flood", Question(number=64), deadline_s=0.5)
            async with contextlib.aclosing(items):
                await anext(items)
                (call,) = worker._calls.values()
                await until(lambda: call.full)
                await asyncio.sleep(0.7)  # longer than the deadline: a slow reader is no hang
                waiting = len(call._answers)
                rest = [answer async for answer in items]
            assert len(rest) == 63
            return waiting

    assert asyncio.run(scenario()) <= process.QUEUED_BYTES // 2**20 + 1


def test_closing_a_stream_ends_the_work() -> None:
    async def scenario() -> Reply:
        async with running() as worker:
            items = worker.stream("count", Question(number=10**9), deadline_s=SOON)
            await anext(items)
            await items.aclose()
            await until(lambda: worker.calls_in_flight == 0)
            return await ask(worker, "who", "still here")

    assert asyncio.run(scenario()).text == "still here"


def test_a_cancelled_call_frees_its_caller_at_once_and_gives_way() -> None:
    async def scenario() -> float:
        async with running() as worker:
            task = asyncio.ensure_future(ask(worker, "until_asked", number=10_000))  # noqa: TID251 - cancelled below
            await until(lambda: worker.calls_in_flight == 1)
            began = time.perf_counter()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            freed = time.perf_counter() - began
            await until(lambda: worker.calls_in_flight == 0, within_s=2)
            assert (await ask(worker, "who", "still here")).text == "still here"
            return freed

    assert asyncio.run(scenario()) < 0.05


def test_a_cancelled_call_that_does_not_come_back_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "CANCEL_GRACE_S", 0.1)

    async def scenario() -> None:
        async with running() as worker:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await ask(worker, "hang")
            await until(lambda: not worker.alive, within_s=2)
            await until(lambda: not is_alive(worker.pid))

    asyncio.run(scenario())


# --- urgency ---


def test_a_yieldable_call_gives_way_to_a_more_urgent_one_only() -> None:
    async def scenario() -> list[str]:
        order: list[str] = []

        async def batch(worker: Worker) -> None:
            question = Question(number=3_000, yieldable=True)
            items = worker.stream("until_asked", question, deadline_s=SOON, priority=2)
            with pytest.raises(CallYielded):
                async for _ in items:
                    pass
            order.append("yielded")

        async def other(worker: Worker, name: str, priority: int) -> None:
            await worker.call("who", Question(), deadline_s=SOON, priority=priority)
            order.append(name)

        async with running() as worker, asyncio.TaskGroup() as group:
            group.create_task(batch(worker))
            await until(lambda: worker.calls_in_flight == 1)
            group.create_task(other(worker, "as urgent", 2))
            await asyncio.sleep(0.05)
            assert not order
            group.create_task(other(worker, "more urgent", 0))
        return order

    assert asyncio.run(scenario()) == ["yielded", "more urgent", "as urgent"]


# --- dying ---


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_worker_killed_in_a_call_fails_that_call_within_50_ms(number: signal.Signals) -> None:
    async def scenario() -> tuple[float, str]:
        async with running() as worker:
            asyncio.get_running_loop().call_later(0.05, os.kill, worker.pid, number)
            began = time.perf_counter()
            with pytest.raises(WorkerGone) as caught:
                await ask(worker, "hang")
            return time.perf_counter() - began - 0.05, caught.value.message

    took_s, message = asyncio.run(scenario())

    assert took_s < 0.05
    assert number.name in message


def test_a_crash_of_native_code_is_told_by_its_signal() -> None:
    async def scenario() -> str:
        async with running() as worker:
            with pytest.raises(WorkerGone):
                await ask(worker, "crash")
            await until(lambda: "fake_engine.py" in worker.tail)
            return worker.exit_reason

    assert asyncio.run(scenario()) == "killed by signal 11 (SIGSEGV)"


def test_want_of_memory_ends_the_worker_and_is_named() -> None:
    async def scenario() -> None:
        async with running() as worker:
            await ask(worker, "exhaust")

    with pytest.raises(WorkerGone, match="out of memory"):
        asyncio.run(scenario())


def test_a_kill_for_want_of_memory_is_told_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> str:
        kills = iter([0])
        monkeypatch.setattr(system, "oom_kills", lambda: next(kills, 1))
        async with running() as worker:
            os.kill(worker.pid, signal.SIGKILL)
            await until(lambda: not worker.alive)
            await until(lambda: bool(worker.exit_reason))
            await worker.end()
            return worker._obituary().message

    assert "out of memory" in asyncio.run(scenario())


@pytest.mark.parametrize("stopped", [False, True])
def test_a_call_past_its_deadline_kills_its_worker(stopped: bool) -> None:
    async def scenario() -> float:
        async with running() as worker:
            if stopped:
                os.kill(worker.pid, signal.SIGSTOP)
            began = time.perf_counter()
            with pytest.raises(Deadline):
                await worker.call("hang", Question(), deadline_s=0.2)
            took_s = time.perf_counter() - began
            await until(lambda: not is_alive(worker.pid))
            return took_s

    assert 0.19 < asyncio.run(scenario()) < 0.5


def test_a_call_that_waits_for_another_is_not_judged_by_its_own_deadline() -> None:
    async def scenario() -> Reply:
        async with running() as worker, asyncio.TaskGroup() as group:
            group.create_task(ask(worker, "hang", number=1))
            await until(lambda: worker.calls_in_flight == 1)
            answer = await worker.call("who", Question(text="x"), deadline_s=0.3)
            return answer.to(Reply)

    assert asyncio.run(scenario()).text == "x"


def test_a_call_that_had_not_begun_says_so_when_the_worker_dies() -> None:
    async def scenario() -> list[object]:
        async with running() as worker:
            calls = [ask(worker, "hang"), ask(worker, "who")]
            asyncio.get_running_loop().call_later(0.1, os.kill, worker.pid, signal.SIGKILL)
            failures = await asyncio.gather(*calls, return_exceptions=True)
            return [one.details["started"] for one in failures if isinstance(one, WorkerGone)]

    assert asyncio.run(scenario()) == [True, False]


def test_a_late_answer_of_another_generation_is_never_taken() -> None:
    async def scenario() -> Reply:
        async with running() as worker:
            task = asyncio.ensure_future(ask(worker, "hang", number=1))  # noqa: TID251 - awaited below
            await until(lambda: worker.calls_in_flight == 1)
            (number,) = worker._calls
            worker._on_frame(Frame(Head(worker.generation - 1, number, "result"), ()))
            worker._on_frame(Frame(Head(worker.generation, number + 999, "result"), ()))
            return await task

    assert asyncio.run(scenario()).text == "slept"


def test_garbage_from_a_worker_ends_it() -> None:
    async def scenario() -> str:
        async with running() as worker:
            with pytest.raises(WorkerGone):
                await ask(worker, "garble")
            await until(lambda: not is_alive(worker.pid))
            return worker.exit_reason

    assert "impossible length" in asyncio.run(scenario())


def test_ending_is_calm_and_can_be_repeated() -> None:
    async def scenario() -> str:
        worker = await Worker.spawn(FAKE, load_deadline_s=10)
        await worker.end()
        await worker.end()
        with pytest.raises(WorkerGone):
            await ask(worker, "who")
        return worker.exit_reason

    assert asyncio.run(scenario()) == process.ENDED


# --- the parent ---

PARENT = """
import asyncio, os, sys
from edged.workers.process import Worker, WorkerSpec
from fake_engine import Question
async def main():
    worker = await Worker.spawn(WorkerSpec(name="fake", module="fake_engine"), load_deadline_s=10)
    print(worker.pid, flush=True)
    await worker.call(sys.argv[1], Question(), deadline_s=60) if sys.argv[1] else None
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.parametrize("method", ["", "hang"])
def test_workers_die_with_the_daemon(method: str) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, method], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        began = time.perf_counter()
        while is_alive(pid) and time.perf_counter() < began + SOON:
            time.sleep(0.001)
        took_s = time.perf_counter() - began

    assert took_s < 0.1


def test_a_worker_whose_daemon_died_before_the_tie_exits() -> None:
    stranger = str(os.getpid() + 1)
    command = [sys.executable, "-P", "-m", "edged.workers.host", "0", stranger, "1"]

    status = subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode

    assert status == host.ORPHANED == bodies.ORPHANED == 75


def test_nothing_of_size_is_imported_before_the_tie() -> None:
    code = (
        "import edged.workers.host, sys; print('msgspec' in sys.modules, 'asyncio' in sys.modules)"
    )

    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    assert printed.stdout.split() == [b"False", b"False"]


def test_the_working_directory_is_not_imported_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit(99)")
    monkeypatch.chdir(tmp_path)

    async def scenario() -> str:
        async with running() as worker:
            return (await ask(worker, "modules", "msgspec")).text

    assert str(tmp_path) not in asyncio.run(scenario())


def test_a_frozen_binary_is_started_with_the_flag_that_its_entry_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)

    command = process._command(7, 3)

    assert command == [sys.executable, entry.WORKER_FLAG, "7", str(os.getpid()), "3"]


def test_the_entry_point_of_a_frozen_binary_becomes_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        process,
        "_command",
        lambda fd, generation: [
            sys.executable, "-P", "-m", "edged", "--edged-worker",
            str(fd), str(os.getpid()), str(generation),
        ],
    )  # fmt: skip

    async def scenario() -> str:
        async with running() as worker:
            return (await ask(worker, "who", "frozen")).text

    assert asyncio.run(scenario()) == "frozen"


def test_the_environment_holds_no_proxy_credential_or_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/edged")

    async def scenario() -> list[str]:
        async with running(WorkerSpec(name="fake", module="fake_engine", threads=3)) as worker:
            names = (
                "https_proxy", "CREDENTIALS_DIRECTORY", "HOME", "ORT_DISABLE_TELEMETRY",
                "OMP_NUM_THREADS", "HF_HUB_OFFLINE",
            )  # fmt: skip
            return [(await ask(worker, "variable", name)).text for name in names]

    assert asyncio.run(scenario()) == ["absent", "absent", "/nonexistent", "1", "3", "1"]


def test_the_worker_stands_apart() -> None:
    async def scenario() -> None:
        async with running() as worker:
            stand_apart(worker.pid)

    asyncio.run(scenario())


def stand_apart(pid: int) -> None:
    assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "500\n"
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    assert os.getsid(pid) == pid


@pytest.mark.long  # twenty loads in test_pool.py show the same in the short suite
def test_a_hundred_workers_leave_no_descriptor_or_thread() -> None:
    async def scenario() -> None:
        async with running():
            pass
        before = (len(os.listdir("/proc/self/fd")), threading.active_count())
        for _ in range(25):
            workers = [Worker.spawn(FAKE, load_deadline_s=10) for _ in range(4)]
            for worker in await asyncio.gather(*workers):
                await worker.end()
        await until(lambda: not children())
        assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before

    asyncio.run(scenario())


def children() -> list[str]:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return file.read().split()
