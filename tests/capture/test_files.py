"""Opening files safely, hashing them, and decoding them in a real worker process."""

import asyncio
import errno
import hashlib
import os
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from edged.capture.files import (
    DECODE_WORKER,
    FileFacts,
    decoding,
    facts_of,
    memory_file,
    open_media,
    sha256,
)
from edged.capture.parts import PART_SAMPLES, WINDOW_SAMPLES, DecodeOptions
from edged.errors import BadMedia, BadRequest, Conflict, Denied, EdgedError, NotFound, WorkerGone
from edged.media import SPEECH, AudioFormat
from edged.workers.process import Worker


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret name.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", ""))
        out.writeframes(bytes(range(256)) * 125 * 100)  # 100 s
    return path


def refusal(path: Path | str, beneath: Path | None = None) -> EdgedError:
    with pytest.raises(EdgedError) as caught:
        os.close(open_media(path, beneath=beneath))
    assert "secret" not in caught.value.message
    assert caught.value.fix
    return caught.value


def test_a_regular_file_is_opened(file: Path) -> None:
    fd = open_media(file)

    assert os.read(fd, 4) == b"RIFF"
    os.close(fd)


def test_a_directory_is_refused_by_name(tmp_path: Path) -> None:
    error = refusal(tmp_path)

    assert isinstance(error, BadMedia)
    assert "directory" in error.message


def test_a_fifo_is_refused_and_blocks_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "secret")

    error = refusal(tmp_path / "secret")

    assert isinstance(error, BadMedia)
    assert "FIFO" in error.message


def test_a_device_and_a_socket_are_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "secret"))

        assert isinstance(refusal(tmp_path / "secret"), BadMedia)
    assert isinstance(refusal("/dev/null"), BadMedia)


def test_a_symlink_is_refused_by_name(file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").symlink_to(file)

    error = refusal(tmp_path / "secret")

    assert isinstance(error, Denied)
    assert "symlink" in error.message


def test_an_absent_file_is_not_found(tmp_path: Path, file: Path) -> None:
    assert isinstance(refusal(tmp_path / "secret"), NotFound)
    assert isinstance(refusal(file / "secret"), NotFound)


def test_an_unreadable_file_is_denied(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, who can read everything: the kernel's answer is played."""

    def deny(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", deny)

    assert isinstance(refusal(file), Denied)


@pytest.mark.parametrize("path", ["secret.wav", "./secret.wav", "", "/secret\0.wav"])
def test_a_path_that_is_not_absolute_is_refused(path: str) -> None:
    assert isinstance(refusal(path), BadRequest)


def test_no_error_leaves_a_descriptor_open(tmp_path: Path, file: Path) -> None:
    (tmp_path / "secret").symlink_to(tmp_path, target_is_directory=True)
    before = os.listdir("/proc/self/fd")

    refusal(tmp_path)
    refusal(tmp_path / "secret" / file.name, beneath=tmp_path)
    refusal(tmp_path / "absent" / "secret", beneath=tmp_path)

    assert os.listdir("/proc/self/fd") == before


def test_beneath_a_folder_no_component_is_a_symlink_or_leads_out(
    tmp_path: Path, file: Path
) -> None:
    inner = tmp_path / "watched" / "a"
    inner.mkdir(parents=True)
    (inner / "f.wav").write_bytes(file.read_bytes())
    (tmp_path / "watched" / "secret").symlink_to(tmp_path, target_is_directory=True)
    watched = tmp_path / "watched"

    os.close(open_media(inner / "f.wav", beneath=watched))
    assert isinstance(refusal(watched / "secret" / file.name, beneath=watched), EdgedError)
    assert isinstance(refusal(watched / ".." / file.name, beneath=watched), Denied)
    assert isinstance(refusal(file, beneath=watched), Denied)


def test_the_hash_is_that_of_the_content_and_leaves_the_offset(file: Path) -> None:
    fd = open_media(file)
    os.lseek(fd, 5, os.SEEK_SET)

    assert asyncio.run(sha256(fd)) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert os.lseek(fd, 0, os.SEEK_CUR) == 5
    os.close(fd)


def test_the_hash_of_an_empty_file_is_that_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    fd = open_media(tmp_path / "empty")

    assert asyncio.run(sha256(fd)) == hashlib.sha256(b"").hexdigest()
    os.close(fd)


def test_a_file_that_changes_while_it_is_hashed_is_noticed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fd = open_media(file)
    read = os.pread

    def read_and_append(fd: int, size: int, at: int) -> bytes:
        with file.open("ab") as growing:
            growing.write(b"more")
        return read(fd, size, at)

    monkeypatch.setattr(os, "pread", read_and_append)

    with pytest.raises(Conflict, match="changed"):
        asyncio.run(sha256(fd))
    os.close(fd)


def test_a_cancelled_hash_lets_go_of_the_descriptor(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fd = open_media(file)
    reads: list[int] = []
    read = os.pread

    def slow(fd: int, size: int, at: int) -> bytes:
        reads.append(at)
        return read(fd, min(size, 16), at)

    monkeypatch.setattr(os, "pread", slow)

    async def hash_and_cancel() -> None:
        async with asyncio.timeout(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await sha256(fd)
        done = len(reads)
        for _ in range(2_000):
            await asyncio.sleep(0)
        assert 0 < len(reads) == done

    asyncio.run(hash_and_cancel())
    os.close(fd)


def test_bytes_become_a_sealed_file_in_memory() -> None:
    fd = asyncio.run(memory_file([b"RI", memoryview(b"FF"), bytearray(b"!")]))

    assert os.pread(fd, 100, 0) == b"RIFF!"
    assert facts_of(fd).size_bytes == 5
    assert os.readlink(f"/proc/self/fd/{fd}").startswith("/memfd:")
    with pytest.raises(PermissionError):
        os.write(fd, b"x")
    os.close(fd)


def test_the_facts_tell_one_state_of_a_file_from_another(file: Path) -> None:
    with file.open("rb") as one:
        before = facts_of(one.fileno())
        os.truncate(file, 100)

        assert isinstance(before, FileFacts)
        assert facts_of(one.fileno()) != before


def test_the_daemons_side_imports_no_codec_and_no_array() -> None:
    program = """
import sys
import edged.capture.files, edged.capture.folder, edged.speech.segmenter
import edged.speech.windows, edged.speech.words
print(sorted({"av", "numpy"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


# Decoding in a real worker.


@asynccontextmanager
async def decode_worker() -> AsyncIterator[Worker]:
    worker = await Worker.spawn(DECODE_WORKER, load_deadline_s=15)
    try:
        yield worker
    finally:
        await worker.end()


def in_worker(scenario: Callable[[Worker], Awaitable[None]]) -> None:
    async def run() -> None:
        async with decode_worker() as worker:
            await scenario(worker)

    asyncio.run(run())


@pytest.mark.speech
def test_a_file_comes_back_as_its_parts(file: Path) -> None:
    audio = file.read_bytes()[44:]

    async def scenario(worker: Worker) -> None:
        fd = open_media(file)
        async with decoding(worker, fd) as media:
            os.close(fd)
            assert (media.facts.audio_ms, media.facts.codec) == (100_000, "pcm_s16le")
            parts = [part async for part in media.parts()]

        assert b"".join(part.pcm for part in parts) == audio
        assert [len(part.rms) // 4 for part in parts] == [937, 937, 937, 314]
        assert [part.final for part in parts] == [False, False, False, True]

    in_worker(scenario)


@pytest.mark.speech
def test_readers_take_turns_and_a_slow_one_keeps_nobody_waiting(file: Path) -> None:
    async def scenario(worker: Worker) -> None:
        with file.open("rb") as one, file.open("rb") as other:
            async with decoding(worker, one.fileno()) as slow:
                slow_parts = slow.parts()
                first = await anext(slow_parts)
                async with decoding(worker, other.fileno()) as quick:
                    assert len([part async for part in quick.parts()]) == 4
                second = await anext(slow_parts)
                await slow_parts.aclose()

        assert (first.start, second.start) == (0, PART_SAMPLES)

    in_worker(scenario)


@pytest.mark.speech
def test_a_reader_that_leaves_early_leaves_nothing_open(file: Path) -> None:
    def descriptors(worker: Worker) -> int:
        return len(os.listdir(f"/proc/{worker.pid}/fd"))

    async def scenario(worker: Worker) -> None:
        before = descriptors(worker)
        with file.open("rb") as source:
            async with decoding(worker, source.fileno()) as media:
                async for _ in media.parts():
                    assert descriptors(worker) == before + 1
                    break

        assert descriptors(worker) == before

    in_worker(scenario)


@pytest.mark.speech
def test_raw_pcm_in_memory_is_decoded_from_where_it_is_wanted() -> None:
    async def scenario(worker: Worker) -> None:
        fd = await memory_file([bytes(32_000), b"\1\0" * 16_000])
        start = 16 * WINDOW_SAMPLES
        async with decoding(worker, fd, DecodeOptions(audio=SPEECH, start=start)) as media:
            (part,) = [part async for part in media.parts()]
        os.close(fd)

        assert part.start == start
        assert part.pcm == bytes(2 * (16_000 - start)) + b"\1\0" * 16_000

    in_worker(scenario)


@pytest.mark.speech
def test_bad_media_and_bad_rates_are_told_apart_from_a_dead_worker(tmp_path: Path) -> None:
    async def scenario(worker: Worker) -> None:
        text = tmp_path / "text.wav"
        text.write_text("no audio here\n" * 100)
        with text.open("rb") as source:
            with pytest.raises(BadMedia, match="no media file"):
                async with decoding(worker, source.fileno()):
                    pass
            with pytest.raises(BadMedia, match="1 Hz"):
                async with decoding(
                    worker, source.fileno(), DecodeOptions(audio=AudioFormat(sample_rate=1))
                ):
                    pass
        assert worker.alive

    in_worker(scenario)


@pytest.mark.speech
def test_a_killed_worker_ends_the_stream_with_a_clear_error(file: Path) -> None:
    async def scenario(worker: Worker) -> None:
        with file.open("rb") as source, closing(source):
            async with decoding(worker, source.fileno()) as media:
                parts = media.parts()
                await anext(parts)
                os.kill(worker.pid, signal.SIGKILL)
                with pytest.raises(WorkerGone):
                    await anext(parts)

    in_worker(scenario)
