"""Live captions for clients, from a real daemon with the default models."""

import asyncio
import hashlib
import itertools
import subprocess
import sys
import wave
from array import array
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from real_daemon import ROOT, Daemon

from edged.bridge.client import Client
from edged.errors import BadMedia, BadRequest, Busy, Conflict, EdgedError, NotFound, TooLarge
from edged.media import AudioFormat
from edged.messages import replies, requests
from edged.messages.records import Segment
from edged.messages.sessions import (
    Appended,
    OneSession,
    PartialText,
    SessionsAppend,
    SessionsStart,
    SessionsStop,
    SourceWish,
    StreamAudio,
    StreamClose,
    StreamClosed,
    StreamOpen,
    StreamOpened,
    StreamTaken,
)

pytestmark = [pytest.mark.speech, pytest.mark.timeout(40)]

NAME = "captions"
SPEECH = AudioFormat(sample_rate=16_000)


class Listener:
    """One open stream and all that it was told."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.opened: asyncio.Future[StreamOpened] = asyncio.get_running_loop().create_future()
        self.partial: list[str] = []
        self.segments: list[Segment] = []
        self.closed: StreamClosed | None = None

    async def listen(self, request: StreamOpen) -> None:
        try:
            async for reply, _ in self.client.stream(request):
                self._note(reply)
        except EdgedError as error:
            if self.opened.done():
                raise
            self.opened.set_exception(error)

    def _note(self, reply: replies.AnyReply) -> None:
        match reply:
            case StreamOpened():
                self.opened.set_result(reply)
            case PartialText(text=text):
                self.partial.append(text)
            case replies.Transcript(segments=segments):
                self.segments += segments
            case StreamClosed():
                self.closed = reply
            case _:
                pass

    async def send(self, pcm: bytes, *, step: int = 32_000) -> StreamTaken:
        taken = None
        for at in range(0, len(pcm), step):
            while (taken := await self._sent(pcm[at : at + step])) is None:
                pass
        assert taken is not None
        return taken

    async def _sent(self, pcm: bytes) -> StreamTaken | None:
        """None when the daemon has enough: a slow machine, on which the models still load."""
        try:
            return await self.client.ask(StreamAudio(stream=NAME), StreamTaken, [pcm])
        except Busy as busy:
            await asyncio.sleep(int(str(busy.details["retry_after_ms"])) / 1000)
            return None

    async def close(self) -> None:
        await self.client.ask(StreamClose(stream=NAME), replies.Done)


@asynccontextmanager
async def listening(daemon: Daemon, request: StreamOpen) -> AsyncGenerator[Listener, None]:
    """A stream that is open; it must have been closed at the end of the block."""
    async with (
        Client(daemon.paths.endpoint, answer_within_s=30) as client,
        asyncio.timeout(35),
        asyncio.TaskGroup() as tasks,
    ):
        listener = Listener(client)
        tasks.create_task(listener.listen(request))
        await listener.opened
        yield listener


def _pcm(clip: Path, seconds: float) -> bytes:
    with wave.open(str(clip)) as reader:
        return bytes(reader.readframes(int(seconds * reader.getframerate())))


def test_a_clients_audio_becomes_segments_that_are_kept_and_found(
    shared_daemon: Daemon, clip: Path
) -> None:
    async def work() -> Listener:
        request = StreamOpen(stream=NAME, audio=SPEECH, name="Monday's talk")
        async with listening(shared_daemon, request) as stream:
            await stream.send(_pcm(clip, 7.5), step=6_400)
            await stream.close()
        return stream

    stream = asyncio.run(work())

    assert stream.closed is not None
    assert (stream.closed.audio_ms, stream.closed.segment_count) == (7_500, len(stream.segments))
    assert "kitchen table" in " ".join(one.text for one in stream.segments)
    assert [one.seq for one in stream.segments] == list(range(len(stream.segments)))
    assert stream.closed.recording_id is not None
    found = shared_daemon.json("recordings", "show", stream.closed.recording_id)
    assert found["recording"]["status"] == "completed"
    assert found["recording"]["name"] == "Monday's talk"
    hits = shared_daemon.json("search", "kitchen table")["hits"]
    assert stream.closed.recording_id in [one["recording_id"] for one in hits]


def test_any_pcm_format_is_heard_and_nothing_is_kept_when_nothing_is_to_be(
    shared_daemon: Daemon, clip: Path
) -> None:
    """48 kHz, stereo, float: each sample six times, as a browser might send it."""
    samples = array("h", _pcm(clip, 4))
    floats = array("f")
    for sample in samples:
        floats.extend([sample / 32_768] * 6)
    audio = AudioFormat(sample_rate=48_000, channels=2, sample_format="f32le")
    request = StreamOpen(stream=NAME, audio=audio, store=False, words=False)
    before = len(shared_daemon.json("recordings", "list")["recordings"])

    async def work() -> Listener:
        async with listening(shared_daemon, request) as stream:
            await stream.send(floats.tobytes(), step=384_000)
            await stream.close()
        return stream

    stream = asyncio.run(work())

    assert "put the tickets" in " ".join(one.text for one in stream.segments)
    assert all(one.words == () for one in stream.segments)
    assert (stream.opened.result().recording_id, before) == (
        None,
        len(shared_daemon.json("recordings", "list")["recordings"]),
    )


DYING = """
import asyncio, os, sys
from edged.bridge.client import Client
from edged.media import AudioFormat
from edged.messages import replies, sessions

async def work():
    async with Client(sys.argv[1]) as client:
        async for reply, _ in client.stream(sessions.StreamOpen(stream="s")):
            if isinstance(reply, sessions.StreamOpened):
                print(reply.recording_id, flush=True)
                audio = sessions.StreamAudio(stream="s")
                await client.ask(audio, sessions.StreamTaken, [sys.stdin.buffer.read()])
            if isinstance(reply, replies.Transcript):
                os._exit(9)

asyncio.run(work())
"""


def test_a_client_that_dies_leaves_what_was_said_and_its_stream_ends(
    shared_daemon: Daemon, clip: Path
) -> None:
    died = subprocess.run(
        [sys.executable, "-c", DYING, shared_daemon.paths.endpoint],
        input=_pcm(clip, 3.5),
        capture_output=True,
        timeout=15,
        check=False,
    )
    recording_id = died.stdout.decode().strip()

    def ended() -> replies.OneRecording | None:
        found: replies.OneRecording = shared_daemon.ask(
            requests.RecordingsGet(recording_id=recording_id), replies.OneRecording
        )
        return found if found.recording.status == "completed" else None

    found = shared_daemon.wait(ended, within_s=30)
    assert died.returncode == 9
    assert found.recording.segment_count >= 1
    assert found.recording.name == "s", "without a name it is called as its stream"


def test_what_a_stream_cannot_take_is_refused_and_it_goes_on(shared_daemon: Daemon) -> None:
    async def work() -> None:
        async with listening(shared_daemon, StreamOpen(stream=NAME, audio=SPEECH)) as stream:
            with pytest.raises(BadRequest):
                await stream.send(b"\x00")
            with pytest.raises(BadRequest):
                await stream.client.ask(StreamAudio(stream=NAME), StreamTaken)
            with pytest.raises(NotFound):
                await stream.client.ask(StreamAudio(stream="other"), StreamTaken, [bytes(64)])
            with pytest.raises(Conflict):
                async for _ in stream.client.stream(StreamOpen(stream=NAME)):
                    pass
            with pytest.raises(TooLarge):
                await stream.send(bytes(11 * 32_000), step=11 * 32_000)
            await stream.close()
            assert (await _refused(stream)).code in ("conflict", "not_found")

    asyncio.run(work())


async def _refused(stream: Listener) -> EdgedError:
    try:
        await stream.send(bytes(64))
    except EdgedError as error:
        return error
    raise AssertionError("a closed stream took audio")


def test_samples_that_are_no_numbers_end_a_stream_with_the_reason(shared_daemon: Daemon) -> None:
    audio = AudioFormat(sample_rate=48_000, sample_format="f32le")
    request = StreamOpen(stream=NAME, audio=audio, store=False)
    nan = array("f", [float("nan")] * 4_800).tobytes()

    async def work() -> None:
        async with listening(shared_daemon, request) as stream:
            await stream.send(nan)

    with pytest.raises(ExceptionGroup) as failed:
        asyncio.run(work())

    assert failed.group_contains(BadMedia)


def test_opening_a_stream_wrongly_is_refused(shared_daemon: Daemon) -> None:
    wrong = {
        StreamOpen(stream=NAME, session_id="1b2c3d4e5f60718a"): BadRequest,
        StreamOpen(stream=NAME, kind="session"): BadRequest,
        StreamOpen(stream=NAME, kind="session", session_id="1b2c3d4e5f60718a"): NotFound,
        StreamOpen(stream=NAME, lexicons=("nope",)): NotFound,
    }

    for request, kind in wrong.items():
        with pytest.raises(kind):
            shared_daemon.ask(request, StreamClosed)


def test_captions_from_a_pipe_are_printed_as_lines_or_json(
    shared_daemon: Daemon, clip: Path
) -> None:
    wav = clip.read_bytes()[: 44 + 3 * 32_000]

    plain = shared_daemon.run("captions", "-", "--no-store", input=wav)
    lines = shared_daemon.run("captions", "-", "--json", "--lexicon", "singlish", input=wav[44:])

    assert plain.returncode == 0
    assert b"put the tickets" in plain.stdout
    kinds = [line.split(b'"')[3] for line in lines.stdout.splitlines()]
    assert (kinds[0], kinds[-1]) == (b"stream_opened", b"stream_closed")
    assert b"segment" in kinds


def batched(pcm: bytes, size: int) -> list[bytes]:
    """The sound in pieces of so many bytes."""
    return [pcm[at : at + size] for at in range(0, len(pcm), size)]


def _install_streaming(daemon: Daemon) -> None:
    """A transducer that knows two words; it becomes the streaming model as soon as it is seen."""
    folder = ROOT / "tests" / "data" / "tiny-transducer"
    named = {f"{one}.onnx": folder / f"{one}.onnx" for one in ("decoder", "joiner")}
    named |= {"encoder.onnx": folder / "online-encoder.onnx", "tokens.txt": folder / "tokens.txt"}
    lines = [
        'id = "tiny"\ntask = "stream_transcribe"\nengine = "sherpa_online"\nlicense = "Apache-2.0"',
        'description = "a test\'s"\nmemory_bytes = 60_000_000\nlanguages = ["en"]',
    ]
    for name, path in named.items():
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        lines.append(
            f'[[files]]\nname = "{name}"\nbytes = {len(content)}\nsha256 = "{digest}"\n'
            f'path = "{path}"'
        )
    daemon.paths.manifests.mkdir(parents=True)
    (daemon.paths.manifests / "tiny.toml").write_text("\n".join(lines) + "\n")


def test_a_streaming_model_that_is_present_hears_while_the_audio_comes(
    daemon: Daemon, clip: Path
) -> None:
    _install_streaming(daemon)
    daemon.start()

    async def work() -> Listener:
        async with listening(daemon, StreamOpen(stream=NAME, audio=SPEECH)) as stream:
            pieces = itertools.cycle(batched(_pcm(clip, 6), 6_400))
            while not stream.partial or len(stream.segments) < 2:
                await stream.send(next(pieces))
                await asyncio.sleep(0.02)
            await stream.close()
        return stream

    stream = asyncio.run(work())

    opened = stream.opened.result()
    assert (opened.model, opened.streaming) == ("tiny", True)
    assert stream.closed is not None
    assert stream.closed.segment_count == len(stream.segments) >= 2
    for one in stream.segments:
        assert set(one.text.split()) <= {"loud", "soft"}
        assert " ".join(word.text for word in one.words) == one.text
        assert 0 < one.confidence <= 1


def test_a_session_is_followed_until_it_ends(shared_daemon: Daemon, clip: Path) -> None:
    start = SessionsStart(sources=(SourceWish(kind="client"),), diarize=False)
    session_id = shared_daemon.ask(start, OneSession).session.id
    request = StreamOpen(stream=NAME, kind="session", session_id=session_id)
    chunk = SessionsAppend(session_id=session_id, chunk_number=0, audio=SPEECH)

    async def work() -> Listener:
        async with listening(shared_daemon, request) as stream:
            await stream.client.ask(chunk, Appended, [_pcm(clip, 3) + bytes(32_000)])
            while not stream.segments:
                await asyncio.sleep(0.01)
            await stream.client.ask(SessionsStop(session_id=session_id), OneSession)
        return stream

    stream = asyncio.run(work())
    with pytest.raises(Conflict):
        shared_daemon.ask(request, StreamClosed)

    assert "tickets" in stream.segments[0].text
    assert stream.closed is not None
    assert (stream.closed.segment_count, stream.closed.audio_ms) == (len(stream.segments), 4_000)
