"""Stems, cleaned speech and made speech through a real daemon, with graphs whose answers are known."""

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from preset_graphs import write_manifest
from probes import write_wav
from real_daemon import Daemon
from voice_graphs import curve_voice, divider

from edged.errors import BadMedia, BadRequest, ModelMissing, Unsupported, UnsupportedLanguage
from edged.media import AudioFormat
from edged.messages import replies, requests
from edged.messages.voice import Denoise, Denoised, Separate, Separated, Speak, Spoken, StemPart

pytestmark = [pytest.mark.speech, pytest.mark.timeout(40)]

SHARES = {"drums": 0.4, "bass": 0.3, "other": 0.2, "vocals": 0.1}
RATE = 44_100


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, shared_daemon: Daemon) -> Daemon:
    """A daemon with a separator of four stems and a voice, both tiny."""
    folder = tmp_path_factory.mktemp("graphs")
    manifests = shared_daemon.paths.manifests
    graph = divider(folder / "divider.onnx", tuple(SHARES.values()), 22_050)
    names = {"stems": " ".join(SHARES)}
    write_manifest(
        manifests / "divider.toml",
        "separate",
        {"model.onnx": graph},
        engine="demucs",
        parameters=names,
    )
    files = {name: Path(path) for name, path in curve_voice(folder).items()}
    write_manifest(manifests / "curve.toml", "speak", files, engine="sherpa_voice")
    shared_daemon.wait(lambda: {"divider", "curve"} <= _known(shared_daemon))
    return shared_daemon


def _known(daemon: Daemon) -> set[str]:
    return {one.id for one in daemon.ask(requests.ModelsList(), replies.Models).models}


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of two tones in two ears, 44.1 kHz."""
    path = tmp_path_factory.mktemp("song") / "song.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        file.writeframes((_song() * 32767).astype("<i2").tobytes())
    return path


def _song() -> np.ndarray:
    time = np.arange(3 * RATE) / RATE
    return np.stack((np.sin(time * 2_765) * 0.5, np.sin(time * 6_283) * 0.3), axis=1)


def _stems(daemon: Daemon, request: Separate) -> tuple[dict[str, np.ndarray], Separated]:
    found: dict[str, bytearray] = {}
    with daemon.client() as client:
        for reply, data in client.stream(request):
            if isinstance(reply, StemPart):
                assert reply.size_bytes == len(data[0])
                found.setdefault(reply.stem, bytearray()).extend(data[0])
            if isinstance(reply, Separated):
                return {
                    name: np.frombuffer(bytes(pcm), "<i2").reshape(-1, 2) / 32767
                    for name, pcm in found.items()
                }, reply
    pytest.fail("no stems came")


def test_four_stems_are_sent_with_the_shares_of_the_graph(served: Daemon, song: Path) -> None:
    stems, end = _stems(served, Separate(path=str(song), stems=4, model="divider"))

    assert {name: one.duration_ms for name, one in end.stems.items()} == dict.fromkeys(SHARES, 3000)
    for name, share in SHARES.items():
        np.testing.assert_allclose(stems[name], _song() * share, atol=2e-4)


def test_two_stems_of_a_model_with_four_are_the_voice_and_the_rest(
    served: Daemon, song: Path
) -> None:
    stems, _ = _stems(served, Separate(path=str(song), model="divider"))

    assert set(stems) == {"vocals", "music"}
    np.testing.assert_allclose(stems["music"], _song() * 0.9, atol=2e-4)


def test_kept_stems_are_recordings_of_one_session_and_come_back(served: Daemon, song: Path) -> None:
    stems, end = _stems(served, Separate(path=str(song), stems=4, model="divider", keep=True))

    assert stems == {}
    vocals = end.stems["vocals"].recording_id
    assert vocals is not None
    shown = served.ask(requests.RecordingsGet(recording_id=vocals), replies.OneRecording).recording
    assert (shown.status, shown.audio_ms, shown.audio_kept) == ("completed", 3000, True)
    pcm = bytearray()
    with served.client() as client:
        for reply, data in client.stream(requests.RecordingsAudio(recording_id=vocals)):
            if isinstance(reply, replies.Audio):
                pcm += data[0]
                assert reply.audio == AudioFormat(sample_rate=RATE, channels=2)
    samples = np.frombuffer(bytes(pcm), "<i2").reshape(-1, 2) / 32767
    np.testing.assert_allclose(samples, _song() * 0.1, atol=2e-4)
    for stem in end.stems.values():
        served.ask(requests.RecordingsDelete(recording_id=str(stem.recording_id)), replies.Done)


def test_files_are_written_by_the_command(served: Daemon, song: Path, tmp_path: Path) -> None:
    out = tmp_path / "stems"

    found = served.json(
        "separate", str(song), "--stems", "4", "--model", "divider", "--out", str(out)
    )

    assert found["stems"]["drums"] == {
        "path": str(out / "drums.wav"),
        "duration_ms": 3000,
        "recording_id": None,
    }
    with wave.open(str(out / "bass.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (RATE, 2, 3 * RATE)
    assert sorted(path.name for path in out.iterdir()) == sorted(f"{name}.wav" for name in SHARES)


def test_what_cannot_be_taken_apart_is_refused_and_the_next_is_served(
    served: Daemon, song: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.wav").write_text("no sound")

    with pytest.raises(BadMedia):
        served.ask(Separate(path=str(tmp_path / "text.wav"), model="divider"), Separated)
    with pytest.raises(BadRequest):
        served.ask(Separate(path=str(song), audio=AudioFormat(sample_rate=RATE)), Separated)
    with pytest.raises(ModelMissing):
        served.ask(Separate(path=str(song), model="spleeter-2stems"), Separated)
    with pytest.raises(Unsupported, match="2 stems"):
        served.ask(Separate(path=str(song), stems=4, model="spleeter-2stems"), Separated)
    assert _stems(served, Separate(path=str(song), model="divider"))[1].model == "divider"


def test_speech_is_streamed_sentence_by_sentence(served: Daemon) -> None:
    sizes: list[int] = []
    progress: list[float] = []
    with served.client() as client:
        for reply, data in client.stream(Speak(text="Hello world. Hello!", model="curve")):
            if isinstance(reply, Spoken):
                assert reply.start_ms == sum(sizes) // 32
                sizes.append(len(data[0]))
                progress.append(reply.progress)

    assert len(sizes) == 2
    assert progress == sorted(progress)


def test_the_command_writes_speech_and_there_must_be_something_to_say(
    served: Daemon, tmp_path: Path
) -> None:
    out = tmp_path / "hello.wav"

    found = served.json("speak", "hello world", "--model", "curve", "--out", str(out))

    assert found["model"] == "curve"
    with wave.open(str(out)) as file:
        assert file.getnframes() * 1000 // file.getframerate() == found["duration_ms"]
    with pytest.raises(BadRequest, match="nothing to say"):
        served.ask(Speak(text="  "), replies.Done)


def test_a_program_of_the_system_speaks_without_any_model(served: Daemon, tmp_path: Path) -> None:
    if not (shutil.which("espeak-ng") and shutil.which("flite")):
        pytest.skip("espeak-ng or flite is not installed")

    for model in ("espeak-ng", "flite"):
        out = tmp_path / f"{model}.wav"
        found = served.json("speak", "good morning", "--model", model, "--out", str(out))
        assert found["duration_ms"] > 400
        with pytest.raises(UnsupportedLanguage):
            served.ask(Speak(text="x", language="tlh", model=model), replies.Done)


def test_noise_goes_with_the_real_gtcrn(served: Daemon, assets: Path, tmp_path: Path) -> None:
    graph = assets / "audio" / "derived" / "gtcrn_simple_sherpa_meta.onnx"
    write_manifest(
        served.paths.manifests / "cleaner.toml",
        "denoise",
        {"model.onnx": graph},
        engine="sherpa_denoise",
    )
    served.wait(lambda: "cleaner" in _known(served))
    noise = np.random.default_rng(1).standard_normal(8 * 16_000) * 600
    noisy = write_wav(tmp_path / "noisy.wav", noise.astype("<i2").tobytes())
    pcm = bytearray()
    with served.client() as client:
        for reply, data in client.stream(Denoise(path=str(noisy), model="cleaner")):
            if isinstance(reply, Denoised):
                assert reply.start_ms == len(pcm) // 32
                pcm += data[0]

    cleaned = np.frombuffer(bytes(pcm), "<i2").astype(float)
    assert len(cleaned) == len(noise)
    assert np.sqrt((cleaned**2).mean()) < 100
