"""What a worker cannot do. Skipped where the kernel lacks the means; doctor says so there."""

import asyncio
import errno
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest
from fake_engine import Question, Reply

from edged.workers import sandbox
from edged.workers.process import Worker, WorkerSpec

needs_landlock = pytest.mark.skipif(
    not sandbox.landlock_version(), reason="this kernel has no Landlock"
)
REFUSED = os.strerror(errno.EACCES)


def ask(method: str, text: str = "", number: int = 0, read_paths: tuple[str, ...] = ()) -> str:
    """What a worker answers that may read these paths."""

    async def scenario() -> str:
        spec = WorkerSpec(name="fake", module="fake_engine", read_paths=read_paths)
        worker = await Worker.spawn(spec, load_deadline_s=10)
        try:
            question = Question(text=text, number=number)
            return (await worker.call(method, question, deadline_s=5)).to(Reply).text
        finally:
            await worker.end()

    return asyncio.run(scenario())


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK])
def test_no_socket_leaves_the_machine(family: int) -> None:
    assert ask("connect", number=family) == REFUSED


def test_local_sockets_remain() -> None:
    assert ask("connect", number=socket.AF_UNIX) == "done"


@needs_landlock
@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/1/status", "/proc/self/environ"])
def test_files_outside_cannot_be_read(path: str) -> None:
    assert ask("read", path) == REFUSED


@needs_landlock
@pytest.mark.parametrize(
    "path",
    [
        "/proc/cpuinfo",
        "/sys/devices/system/cpu/online",
        "/dev/null",
        "/dev/urandom",
        sys.executable,
    ],
)
def test_what_engines_need_can_be_read(path: str) -> None:
    assert ask("read", path) == "done"


def test_a_program_that_is_named_may_be_started_and_is_shut_in_too(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    cat = shutil.which("cat") or "cat"

    async def scenario() -> list[str]:
        spec = WorkerSpec(
            name="fake",
            module="fake_engine",
            programs=(cat,),
            environment={"EDGED_TOLD": "so"},
        )
        worker = await Worker.spawn(spec, load_deadline_s=10)
        try:
            questions = (
                ("run", f"{cat} /proc/cpuinfo"),
                ("run", f"{cat} {secret}"),
                ("variable", "EDGED_TOLD"),
            )
            return [
                (await worker.call(method, Question(text=text), deadline_s=5)).to(Reply).text
                for method, text in questions
            ]
        finally:
            await worker.end()

    readable, refused, told = asyncio.run(scenario())

    assert "processor" in readable
    assert told == "so"
    if sandbox.landlock_version():
        assert "hidden" not in refused


@needs_landlock
def test_only_the_models_own_files_can_be_read(tmp_path: Path) -> None:
    for name in ("model", "other"):
        (tmp_path / name).write_bytes(b"x")
    allowed = (str(tmp_path / "model"), str(tmp_path / "missing"))

    assert ask("read", str(tmp_path / "model"), read_paths=allowed) == "done"
    assert ask("read", str(tmp_path / "other"), read_paths=allowed) == REFUSED


@needs_landlock
def test_nothing_can_be_written_even_where_it_may_read(tmp_path: Path) -> None:
    assert ask("write", str(tmp_path / "new"), read_paths=(str(tmp_path),)) == REFUSED
    assert list(tmp_path.iterdir()) == []


@needs_landlock
def test_no_program_can_be_started() -> None:
    assert ask("execute", "/bin/true") == REFUSED


@needs_landlock
def test_the_rest_of_a_source_checkout_cannot_be_read() -> None:
    readme = Path(__file__).parent.parent.parent / "README.md"

    assert ask("read", str(readme)) == REFUSED


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "armv7l"])
def test_every_jump_of_the_filter_lands_inside_it(machine: str) -> None:
    program = sandbox.program(machine)

    for index, (_, true, false, _) in enumerate(program):
        assert index + 1 + max(true, false) <= len(program)
    assert program[-1] == (0x06, 0, 0, 0x7FFF0000)


def _verdict(machine: str, arch: int, number: int, domain: int) -> int:
    """Run the filter as the kernel would."""
    program = sandbox.program(machine)
    data = {0: number, 4: arch, 16: domain}
    register, at = 0, 0
    while True:
        code, true, false, operand = program[at]
        at += 1
        if code == 0x20:
            register = data[operand]
        elif code == 0x06:
            return operand
        else:
            holds = register == operand if code == 0x15 else register >= operand
            at += true if holds else false


@pytest.mark.parametrize(
    ("machine", "arch", "number"),
    [("x86_64", 0xC000003E, 41), ("aarch64", 0xC00000B7, 198), ("armv7l", 0x40000028, 281)],
)
def test_the_filter_decides_by_processor_call_and_domain(
    machine: str, arch: int, number: int
) -> None:
    allow, refuse = 0x7FFF0000, 0x00050000

    assert _verdict(machine, arch, number, socket.AF_UNIX) == allow
    assert _verdict(machine, arch, number, socket.AF_INET) == refuse | errno.EACCES
    assert _verdict(machine, arch, 425, 0) == refuse | errno.ENOSYS
    assert _verdict(machine, arch, 1, 0) == allow
    assert _verdict(machine, 0xDEAD, 1, 0) == 0x80000000


def test_x32_calls_are_refused() -> None:
    assert _verdict("x86_64", 0xC000003E, 0x40000000 + 41, 1) == 0x00050000 | errno.ENOSYS


def test_an_unknown_processor_has_no_filter() -> None:
    assert sandbox.program("riscv64") == []


@needs_landlock
def test_a_scratch_folder_takes_files_until_it_is_removed(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"

    async def scenario() -> tuple[str, str, str]:
        spec = WorkerSpec(name="fake", module="fake_engine", scratch=str(scratch))
        worker = await Worker.spawn(spec, load_deadline_s=10)
        answers: list[str] = []
        try:
            for path in (scratch / "in", tmp_path / "beside"):
                answers.append(await written(worker, path))
            shutil.rmtree(scratch)
            scratch.mkdir()
            answers.append(await written(worker, scratch / "later"))
        finally:
            await worker.end()
        return answers[0], answers[1], answers[2]

    async def written(worker: Worker, path: Path) -> str:
        answer = await worker.call("write", Question(text=str(path)), deadline_s=5)
        return answer.to(Reply).text

    scratch.mkdir()

    assert asyncio.run(scenario()) == ("done", REFUSED, REFUSED)


@needs_landlock
def test_a_device_file_is_open_only_to_the_worker_that_was_given_it() -> None:
    async def scenario(*devices: str) -> str:
        spec = WorkerSpec(name="fake", module="fake_engine", device_paths=devices)
        worker = await Worker.spawn(spec, load_deadline_s=10)
        try:
            answer = await worker.call("read", Question(text="/dev/full"), deadline_s=5)
            return answer.to(Reply).text
        finally:
            await worker.end()

    assert asyncio.run(scenario()) == REFUSED
    assert asyncio.run(scenario("/dev/full")) == "done"
