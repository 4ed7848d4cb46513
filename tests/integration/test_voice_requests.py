"""Everything a voice says beyond its words, through a real daemon: default models and tiny ones."""

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import TensorProto, helper, numpy_helper
from preset_graphs import write_manifest
from real_daemon import Daemon
from small_graphs import Dimensions, save
from whisper_folders import write_opinion

from edged.errors import (
    BadMedia,
    BadRequest,
    ModelMissing,
    NotFound,
    Unsupported,
    UnsupportedLanguage,
)
from edged.media import SPEECH
from edged.messages import replies, requests
from edged.messages.requests import AnyRequest
from edged.messages.voice import (
    Align,
    Aligned,
    AudioTag,
    EmotionSpeech,
    Keywords,
    KeywordsHeard,
    LanguageIdentify,
    SoundTags,
    SpokenEmotions,
    SpokenLanguages,
)

pytestmark = [pytest.mark.speech, pytest.mark.timeout(40)]

DATA = Path(__file__).parent.parent / "data" / "tiny-whisper"
KETTLE = DATA / "kettle.wav"
SAID = "The kettle is on the stove."
GAIN = 10.0
HALF_S = 8_000


def write_loudness(path: Path, samples: int | str) -> Path:
    """Scores of how calm and how loud a waveform is: loud is GAIN x the mean of |x|, at most 1."""
    weights = [
        numpy_helper.from_array(np.array(GAIN, np.float32), "gain"),
        numpy_helper.from_array(np.array(1, np.float32), "one"),
    ]
    nodes = [
        helper.make_node("Abs", ["x"], ["size"]),
        helper.make_node("ReduceMean", ["size"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "gain"], ["steep"]),
        helper.make_node("Min", ["steep", "one"], ["loud"]),
        helper.make_node("Sub", ["one", "loud"], ["calm"]),
        helper.make_node("Concat", ["calm", "loud"], ["y"], axis=1),
    ]
    inputs: dict[str, tuple[int, Dimensions]] = {"x": (TensorProto.FLOAT, (1, samples))}
    return save(path, nodes, inputs, {"y": (TensorProto.FLOAT, (1, 2))}, weights)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, shared_daemon: Daemon) -> Daemon:
    """A daemon with a model of loudness as a classifier of sounds and of feelings."""
    folder = tmp_path_factory.mktemp("graphs")
    manifests = shared_daemon.paths.manifests
    for model, task, samples in (
        ("tags", "audio_classify", HALF_S),
        ("moods", "speech_emotion", "n"),
    ):
        graph = write_loudness(folder / f"{model}.onnx", samples)
        write_manifest(
            manifests / f"{model}.toml", task, {"model.onnx": graph}, labels=("calm", "loud")
        )
    recogniser = {path.name: path for path in DATA.iterdir() if path.suffix in {".bin", ".json"}}
    write_manifest(manifests / "tiny.toml", "transcribe", recogniser, engine="faster_whisper")
    shared_daemon.wait(lambda: {"tags", "moods", "tiny"} <= installed(shared_daemon))
    return shared_daemon


def installed(daemon: Daemon) -> set[str]:
    found = daemon.ask(requests.ModelsList(), replies.Models)
    return {one.id for one in found.models if one.installed}


def asked(daemon: Daemon, request: AnyRequest, reply: type[Any], *parts: bytes) -> Any:
    """The last reply of a stream."""
    with daemon.client() as client:
        *_, (found, _) = client.stream(request, parts)
    assert isinstance(found, reply)
    return found


def pcm_of(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        return bytes(file.readframes(file.getnframes()))


def samples_of(pcm: bytes) -> npt.NDArray[np.float64]:
    return np.frombuffer(pcm, "<i2") / 32768


# --- align ---


def test_align_prints_words_and_phones_in_time(served: Daemon) -> None:
    found = served.json("align", str(KETTLE), "--text", SAID)

    assert [word["text"] for word in found["words"]] == SAID.strip(".").split()
    assert {"text", "start_ms", "end_ms", "confidence"} == set(found["words"][0])
    assert {"phoneme", "ipa", "start_ms", "end_ms", "confidence"} == set(found["phonemes"][0])
    assert [one["ipa"] for one in found["phonemes"][2:6]] == ["k", "\u025b", "t", "\u028c"]
    assert found["processing_time_ms"] >= 0
    assert found["model"] == "pocketsphinx-en-us-align"
    assert found["words"][-1]["end_ms"] <= found["audio_ms"]


def test_people_get_a_table(served: Daemon) -> None:
    done = served.run("align", "-", "--text", SAID, input=KETTLE.read_bytes())

    assert done.returncode == 0, done.stderr
    assert b"kettle" in done.stdout
    assert "k \u025b t \u028c l".encode() in done.stdout or b"K EH T AH L" in done.stdout


def test_the_audio_may_come_in_four_ways_and_gives_the_same(served: Daemon) -> None:
    pcm = pcm_of(KETTLE)
    kept = requests.Transcribe(audio=SPEECH, name="kettle", model="tiny", keep_audio=True)
    transcribed = asked(served, kept, replies.Transcribed, pcm)

    by_path = asked(served, Align(path=str(KETTLE), text=SAID), Aligned)
    by_pcm = asked(served, Align(audio=SPEECH, text=SAID), Aligned, pcm)
    by_bytes = asked(served, Align(text=SAID), Aligned, KETTLE.read_bytes())
    by_id = asked(served, Align(recording_id=transcribed.recording_id, text=SAID), Aligned)

    assert by_path.words == by_pcm.words == by_bytes.words == by_id.words


@pytest.mark.parametrize(
    ("request_", "parts", "error"),
    [
        (Align(text=SAID), (), BadRequest),
        (Align(text=SAID, path=str(KETTLE)), (b"xx",), BadRequest),
        (Align(text=SAID, path=str(KETTLE), audio=SPEECH), (), BadRequest),
        (Align(text=SAID, path=str(KETTLE), recording_id="x"), (), BadRequest),
        (Align(text=SAID, path="kettle.wav"), (), BadRequest),
        (Align(text=SAID, audio=SPEECH), (b"xxx",), BadRequest),
        (Align(text=SAID, recording_id="nobody"), (), NotFound),
        (Align(text="...!", path=str(KETTLE)), (), BadRequest),
        (Align(text="x " * 3000, path=str(KETTLE)), (), BadRequest),
        (Align(text=SAID, path=str(DATA / "list.txt")), (), BadMedia),
        (Align(text=SAID, path=str(KETTLE), model="silero-v6"), (), Unsupported),
        (Align(text=SAID, path=str(KETTLE), language="de"), (), UnsupportedLanguage),
    ],
)
def test_what_is_wrong_is_told(
    served: Daemon, request_: Align, parts: tuple[bytes, ...], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        asked(served, request_, Aligned, *parts)

    assert "kettle" not in str(caught.value)


def test_digits_are_spelled_out_first(served: Daemon) -> None:
    found = asked(served, Align(path=str(KETTLE), text="The kettle is 1 the stove."), Aligned)

    assert [word.text for word in found.words] == ["The", "kettle", "is", "one", "the", "stove"]


def test_another_language_names_the_model_to_pull_and_describe_tells_which_there_are(
    served: Daemon,
) -> None:
    done = served.run("align", str(KETTLE), "--text", "na gut", "--language", "de", "--json")
    tasks = served.ask(requests.Describe(), replies.Description).tasks

    problem = json.loads(done.stdout)["error"]
    assert (done.returncode, problem["code"]) == (37, "unsupported_language")
    assert "pull wav2vec2-espeak" in problem["fix"]
    assert tasks["align"].languages == ("en",)
    assert tasks["audio_classify"].languages == ()


def test_a_long_audio_is_refused_before_it_is_aligned(served: Daemon) -> None:
    tone = bytes(SPEECH.sample_rate * 2 * 60)
    request = Align(audio=SPEECH, text=SAID)

    with pytest.raises(BadRequest, match="longer than 600 s"):
        asked(served, request, Aligned, *[tone[:1_920_000]] * 11)


# --- keywords ---


def test_keywords_are_found_where_they_are_said(served: Daemon) -> None:
    found = served.json("keywords", str(KETTLE), "kettle", "on the stove", "elephant")
    words = asked(served, Align(path=str(KETTLE), text=SAID), Aligned).words

    assert [one["keyword"] for one in found["hits"]] == ["kettle", "on the stove"]
    assert abs(found["hits"][0]["start_ms"] - words[1].start_ms) <= 150
    assert abs(found["hits"][1]["end_ms"] - words[-1].end_ms) <= 250


def test_a_keyword_that_cannot_be_said_is_refused(served: Daemon) -> None:
    request = Keywords(path=str(KETTLE), keywords=("kettle", "4711"))

    with pytest.raises(BadRequest, match="keyword 2 cannot"):
        asked(served, request, KeywordsHeard)


# --- tags and feelings ---


def test_tags_are_stretches_of_windows_with_a_score(served: Daemon) -> None:
    """Half seconds of |x| = 0.08, 0.02, 0.08, 0.1: loud from 0.5 on."""
    levels = (0.08, 0.02, 0.08, 0.1)
    samples = np.concatenate([np.full(HALF_S, level * 32768) for level in levels]).astype("<i2")
    request = AudioTag(audio=SPEECH, model="tags", min_score=0.5)

    found = asked(served, request, SoundTags, samples.tobytes())

    told = [(one.label, round(one.score, 2), one.start_ms, one.end_ms) for one in found.tags]
    assert told == [("loud", 0.8, 0, 500), ("calm", 0.8, 500, 1000), ("loud", 1.0, 1000, 2000)]
    assert (found.model, found.audio_ms) == ("tags", 2000)


def test_tags_end_with_the_audio_and_can_be_chosen(served: Daemon, tmp_path: Path) -> None:
    path = tmp_path / "loud.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.full(10_000, 9_000, "<i2").tobytes())

    found = served.json("tag", str(path), "--model", "tags", "--label", "LOUD")

    assert [(one["label"], one["start_ms"], one["end_ms"]) for one in found["tags"]] == [
        ("loud", 0, 625)
    ]


def test_each_stretch_of_speech_has_its_emotion(served: Daemon) -> None:
    said = np.frombuffer(pcm_of(KETTLE), "<i2")
    pcm = said.tobytes() + bytes(48_000) + (said // 8).astype("<i2").tobytes() + bytes(16_000)

    found = asked(served, EmotionSpeech(audio=SPEECH, model="moods"), SpokenEmotions, pcm)

    assert len(found.emotions) == 2
    heard = samples_of(pcm)
    for one in found.emotions:
        piece = heard[one.start_ms * 16 : one.end_ms * 16]
        loud = min(1.0, GAIN * float(np.abs(piece).mean()))
        assert one.all_emotions == {
            "calm": pytest.approx(1 - loud, abs=0.01),
            "loud": pytest.approx(loud, abs=0.01),
        }
        assert one.emotion == max(one.all_emotions, key=lambda name: one.all_emotions[name])
        assert one.confidence == one.all_emotions[one.emotion]
    levels = [one.all_emotions["loud"] for one in found.emotions]
    assert levels[0] > 3 * levels[-1]


def test_audio_without_speech_has_no_emotions(served: Daemon) -> None:
    found = served.json("emotion", "-", "--model", "moods", input=_silence())

    assert found["emotions"] == []


def _silence() -> bytes:
    content = bytes(64_000)
    sizes = [len(content) + 36, 16, 16_000, 32_000, len(content)]
    riff, fmt, rate, byte_rate, data = (one.to_bytes(4, "little") for one in sizes)
    head = b"RIFF" + riff + b"WAVEfmt " + fmt + b"\x01\0\x01\0" + rate + byte_rate
    return head + b"\x02\0\x10\0data" + data + content


# --- languages ---


def test_language_identify_names_the_model_to_pull(served: Daemon) -> None:
    with pytest.raises(ModelMissing) as caught:
        asked(served, LanguageIdentify(path=str(KETTLE)), SpokenLanguages)

    assert caught.value.details["command"] == "edged models pull languages-whisper-tiny"


def test_a_recogniser_of_several_languages_tells_the_language(served: Daemon) -> None:
    """It finds German 30 times as likely as each of nine others."""
    folder = write_opinion(served.home / "polyglot", {"de": 30.0})
    manifest = served.paths.manifests / "polyglot.toml"
    files = {path.name: path for path in folder.iterdir()}
    write_manifest(manifest, "transcribe", files, engine="faster_whisper")
    text = manifest.read_text().replace("labels_file", 'languages = ["en", "de"]\nlabels_file')
    manifest.write_text(text)
    served.wait(lambda: "polyglot" in installed(served))

    found = asked(served, LanguageIdentify(path=str(KETTLE), top_k=2), SpokenLanguages)
    with pytest.raises(BadMedia, match="no speech"):
        asked(served, LanguageIdentify(audio=SPEECH), SpokenLanguages, bytes(64_000))
    manifest.unlink()

    assert found.model == "polyglot"
    assert [one.language for one in found.languages] == ["de", "en"]
    assert found.languages[0].confidence == pytest.approx(30 / 39, abs=0.01)
    assert 1_000 < found.heard_ms <= 4_000
