"""Bad input gets a clear error, nothing is lost, and the daemon serves the next client."""

import os
import struct
import subprocess
import sys
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real_daemon import Daemon

from edged.media import AudioFormat
from edged.messages import replies, requests

pytestmark = pytest.mark.speech


@pytest.fixture(autouse=True)
def _still_serving(shared_daemon: Daemon) -> Iterator[None]:
    yield
    assert shared_daemon.health().status == "ok"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def _wav(pcm: bytes, *, rate: int = 16000, channels: int = 1, size: int | None = None) -> bytes:
    size = len(pcm) if size is None else size
    header = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + size)
        + b"WAVEfmt "
        + header
        + b"data"
        + (struct.pack("<I", size) + pcm)
    )


def _failed(daemon: Daemon, path: Path | str, *more: str) -> tuple[str, str]:
    """Code and message of a transcription that must fail; it names no content or path."""
    import json

    done = daemon.run("transcribe", str(path), "--json", *more)
    error = json.loads(done.stdout)["error"]
    assert done.returncode > 1
    assert error["fix"]
    assert str(path) not in error["message"]
    assert Path(path).name not in error["message"]
    return error["code"], error["message"]


MEDIA: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"this is a text file that was renamed\n" * 100,
    "random": lambda: os.urandom(50_000),
    "only a wav header": lambda: _wav(b""),
    "half a wav header": lambda: _wav(bytes(100))[:20],
    "1 Hz": lambda: _wav(bytes(2000), rate=1),
}


@pytest.mark.parametrize("name", MEDIA)
def test_what_holds_no_audio_is_bad_media(shared_daemon: Daemon, folder: Path, name: str) -> None:
    file = folder / "secret-name.wav"
    file.write_bytes(MEDIA[name]())

    code, _ = _failed(shared_daemon, file)

    assert code == "bad_media"


def test_a_video_without_sound_is_bad_media(shared_daemon: Daemon, folder: Path) -> None:
    file = folder / "silent.mp4"
    code = (
        "import sys, av, numpy\n"
        "with av.open(sys.argv[1], 'w') as out:\n"
        "    stream = out.add_stream('mpeg4', rate=5); stream.width = stream.height = 64\n"
        "    stream.pix_fmt = 'yuv420p'\n"
        "    for _ in range(5):\n"
        "        picture = numpy.zeros((64, 64, 3), 'uint8')\n"
        "        out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format='rgb24')))\n"
        "    out.mux(stream.encode())\n"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True)

    found, message = _failed(shared_daemon, file)

    assert (found, "audio" in message) == ("bad_media", True)


@pytest.mark.parametrize(
    ("rate", "channels"), [(384_000, 1), (16_000, 64), (8_000, 1), (44_100, 2), (1_000, 1)]
)
def test_odd_but_readable_audio_is_read(
    shared_daemon: Daemon, folder: Path, rate: int, channels: int
) -> None:
    file = folder / "odd.wav"
    file.write_bytes(_wav(bytes(rate * channels * 2), rate=rate, channels=channels))

    found = shared_daemon.json("transcribe", str(file))

    assert found["segments"] == []
    assert found["audio_ms"] == pytest.approx(1000, abs=40)


@pytest.mark.parametrize("size", [0, 2**31, 10])
def test_a_wrong_size_in_the_header_does_not_stop_it(
    shared_daemon: Daemon, folder: Path, size: int
) -> None:
    file = folder / "size.wav"
    file.write_bytes(_wav(bytes(64_000), size=size))

    done = shared_daemon.run("transcribe", str(file), "--json")

    assert done.returncode in (0, 8)


def test_a_truncated_file_gives_its_readable_part(
    shared_daemon: Daemon, folder: Path, conversation: Path
) -> None:
    file = folder / "cut.opus"
    file.write_bytes(conversation.read_bytes()[:60_000])

    found = shared_daemon.json("transcribe", str(file))

    assert found["segments"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_pcm_that_is_no_number_is_refused(shared_daemon: Daemon, value: float) -> None:
    audio = AudioFormat(sample_rate=16_000, sample_format="f32le")
    pcm = array("f", [0.0] * 16_000 + [value]).tobytes()
    for request in (requests.Transcribe(audio=audio), requests.Vad(audio=audio)):
        with pytest.raises(Exception, match=r"(?i)nan|finite|infinite|number"):
            shared_daemon.ask(request, replies.Transcribed, pcm)


def test_pcm_that_ends_within_a_sample_is_refused(shared_daemon: Daemon) -> None:
    request = requests.Transcribe(audio=AudioFormat(sample_rate=16_000, channels=2))
    with pytest.raises(Exception, match="4-byte samples"):
        shared_daemon.ask(request, replies.Transcribed, bytes(1001))


def test_a_request_without_audio_or_with_two_is_refused(shared_daemon: Daemon) -> None:
    with pytest.raises(Exception, match="no audio came"):
        shared_daemon.ask(requests.Transcribe(), replies.Transcribed)
    with pytest.raises(Exception, match="give a path, an upload or audio"):
        shared_daemon.ask(requests.Transcribe(path="/x"), replies.Transcribed, b"xx")
    with pytest.raises(Exception, match="not absolute"):
        shared_daemon.ask(requests.Transcribe(path="x.wav"), replies.Transcribed)
    with pytest.raises(Exception, match="NUL"):
        shared_daemon.ask(requests.Transcribe(path="/tmp/a\0b"), replies.Transcribed)


def test_paths_that_are_no_files_are_refused_at_once(shared_daemon: Daemon, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "real.wav").write_bytes(_wav(bytes(100)))
    (folder / "link.wav").symlink_to(folder / "real.wav")

    assert _failed(shared_daemon, folder / "pipe") == (
        "bad_media",
        "the path is a FIFO, not a file",
    )
    assert _failed(shared_daemon, folder)[0] == "bad_media"
    assert _failed(shared_daemon, folder / "link.wav")[0] == "denied"
    assert _failed(shared_daemon, folder / "absent.wav")[0] == "not_found"
    assert _failed(shared_daemon, "/dev/zero")[0] == "bad_media"


def test_an_unreadable_file_is_denied(shared_daemon: Daemon, folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    file = folder / "closed.wav"
    file.write_bytes(_wav(bytes(100)))
    file.chmod(0)

    assert _failed(shared_daemon, file)[0] == "denied"


def test_unknown_models_and_languages_are_named(shared_daemon: Daemon, folder: Path) -> None:
    file = folder / "a.wav"
    file.write_bytes(_wav(bytes(32_000)))

    assert _failed(shared_daemon, file, "--model", "whisper-huge")[0] == "model_missing"
    assert _failed(shared_daemon, file, "--model", "silero-v6")[0] == "unsupported"
    assert _failed(shared_daemon, file, "--model", "faster-whisper-tiny")[0] == "model_missing"
    code, _ = _failed(shared_daemon, file, "--model", "pocketsphinx-en-us", "--language", "zz")
    assert code == "unsupported"


def test_a_model_file_with_a_wrong_hash_is_corrupt_and_never_loaded(
    daemon: Daemon, folder: Path
) -> None:
    model = daemon.paths.models / "tampered"
    model.mkdir(parents=True)
    (model / "model").write_bytes(b"not what the manifest says")
    daemon.paths.manifests.mkdir(parents=True)
    (daemon.paths.manifests / "tampered.toml").write_text(
        'id = "tampered"\ntask = "transcribe"\nengine = "sherpa_offline"\ndescription = "x"\n'
        'license = "MIT"\nmemory_bytes = 1000000\n'
        f'[[files]]\nname = "model"\nbytes = 26\nsha256 = "{"0" * 64}"\n'
    )
    daemon.start()
    file = folder / "a.wav"
    file.write_bytes(_wav(bytes(32_000)))

    assert _failed(daemon, file, "--model", "tampered")[0] == "corrupt_model"


def test_silence_has_no_segments(shared_daemon: Daemon, folder: Path) -> None:
    file = folder / "silence.wav"
    file.write_bytes(_wav(bytes(16_000 * 2 * 60)))

    found = shared_daemon.json("transcribe", str(file))

    assert (found["segments"], found["audio_ms"]) == ([], 60_000)


def test_a_search_is_never_a_syntax_error(shared_daemon: Daemon) -> None:
    for query in (
        '"',
        "NEAR(",
        "don't",
        "C++",
        "a OR",
        "(",
        "*",
        "^x",
        "text:x",
        "😀",
        "日本",
        "-",
        "a\0b",
    ):
        found = shared_daemon.ask(requests.TranscriptsSearch(query=query), replies.Hits)
        assert found.hits == ()
