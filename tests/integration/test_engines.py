"""The real engines behind the daemon, with models that are not real: they know a few clips, no more."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from probes import read_pcm, write_wav
from real_daemon import ROOT, Daemon

from edged.models.engines.voice import we_are

pytestmark = [pytest.mark.speech, pytest.mark.timeout(40)]

DATA = ROOT / "tests" / "data"
TINY_WHISPER = DATA / "tiny-whisper"
TINY_TRANSDUCER = DATA / "tiny-transducer"
PAUSE = bytes(2 * 16_000)


def _asset(name: str) -> Path:
    path = Path(os.environ.get("EDGED_TEST_ASSETS", ROOT.parent / "shared" / "assets")) / name
    if not path.exists():
        pytest.skip(f"EDGED_TEST_ASSETS holds no {name}")
    return path


def _install(daemon: Daemon, model: str, facts: str, files: Mapping[str, Path]) -> None:
    """Write a user's manifest for files that stay where they are."""
    lines = [
        f'id = "{model}"\ntask = "transcribe"\ndescription = "a test\'s"\nlicense = "Apache-2.0"',
        "memory_bytes = 60_000_000",
        facts,
    ]
    for name, path in files.items():
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        lines.append(
            f'[[files]]\nname = "{name}"\nbytes = {len(content)}\nsha256 = "{digest}"\n'
            f'path = "{path}"'
        )
    daemon.paths.manifests.mkdir(parents=True, exist_ok=True)
    (daemon.paths.manifests / f"{model}.toml").write_text("\n".join(lines) + "\n")


def _whisper(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.iterdir() if path.suffix in (".bin", ".json")}


def _said(folder: Path) -> dict[str, str]:
    return dict(line.split("|") for line in (folder / "list.txt").read_text().splitlines())


def _text(found: Any) -> str:
    return " ".join(one["text"] for one in found["segments"])


def _assert_words_are_in_order(found: Any) -> None:
    last = 0
    for segment in found["segments"]:
        assert last <= segment["start_ms"] < segment["end_ms"] <= found["audio_ms"]
        assert segment["words"]
        for word in segment["words"]:
            assert last <= word["start_ms"] <= word["end_ms"] <= segment["end_ms"]
            last = word["start_ms"]
        assert " ".join(one["text"] for one in segment["words"]) == segment["text"]


def _install_tiny_whisper(daemon: Daemon, *more: str) -> None:
    facts = "\n".join(['engine = "faster_whisper"\nlanguages = ["en"]\nwindow_ms = 28_000', *more])
    _install(daemon, "tiny", facts, _whisper(TINY_WHISPER))


def test_a_tiny_model_that_is_not_real_whisper_says_its_clips_through_the_daemon(
    daemon: Daemon,
) -> None:
    _install_tiny_whisper(daemon, "packs = false")
    daemon.start()

    for name, text in _said(TINY_WHISPER).items():
        found = daemon.json("transcribe", str(TINY_WHISPER / name), "--model", "tiny")

        assert _text(found) == text
        assert (found["model"], found["language"]) == ("tiny", "en")
        assert found["language_source"] == "assumed"
        _assert_words_are_in_order(found)

    asked = daemon.json(
        "transcribe", str(TINY_WHISPER / "kettle.wav"), "--model", "tiny", "--language", "en"
    )
    assert asked["language_source"] == "asked"
    refused = daemon.run(
        "transcribe", str(TINY_WHISPER / "kettle.wav"), "--model", "tiny", "--language", "de"
    )
    assert refused.returncode > 1


@pytest.mark.long
def test_the_overfitted_model_that_is_not_real_whisper_detects_english_and_packs_utterances(
    daemon: Daemon, tmp_path: Path
) -> None:
    clips = _asset("asr/tiny-whisper-clips")
    facts = 'engine = "faster_whisper"\nlanguages = ["en", "de"]\nwindow_ms = 28_000\npacks = false'
    _install(daemon, "overfit", facts, _whisper(_asset("asr/tiny-whisper-overfit")))
    packed = facts.replace("packs = false", "packs = true")
    _install(daemon, "packed", packed, _whisper(_asset("asr/tiny-whisper-overfit")))
    daemon.start()
    said = _said(clips)
    pcm = PAUSE.join(read_pcm(clips / name) for name in said)
    all_of_them = write_wav(tmp_path / "all.wav", pcm)

    found = daemon.json("transcribe", str(all_of_them), "--model", "overfit")
    together = daemon.json("transcribe", str(all_of_them), "--model", "packed")
    loaded = daemon.json("models", "ps")["models"]
    calls = {one["id"]: one["calls"] for one in loaded}
    kennedy = daemon.json(
        "transcribe", str(_asset("media/speech/jfk.wav")), "--model", "overfit", "--language", "en"
    )

    assert [one["text"] for one in found["segments"]] == list(said.values())
    assert (found["language"], found["language_source"]) == ("en", "detected")
    _assert_words_are_in_order(found)
    assert together["audio_ms"] == found["audio_ms"]
    assert calls["packed"] < calls["overfit"] == len(said)
    assert kennedy["language_source"] == "asked"


def test_a_hand_made_transducer_hears_loud_and_soft_through_the_daemon(
    daemon: Daemon, tmp_path: Path
) -> None:
    files = {name: TINY_TRANSDUCER / f"{name}.onnx" for name in ("decoder", "joiner")}
    files |= {
        "encoder": TINY_TRANSDUCER / "offline-encoder.onnx",
        "tokens": TINY_TRANSDUCER / "tokens.txt",
    }
    facts = 'engine = "sherpa_offline"\nlanguages = ["en"]'
    _install(daemon, "loudness", facts, files)
    with (daemon.paths.manifests / "loudness.toml").open("a") as manifest:
        manifest.write('[parameters]\nkind = "transducer"\n')
    daemon.start()
    audio = write_wav(tmp_path / "twice.wav", PAUSE + we_are() + PAUSE * 2 + we_are() + PAUSE)

    found = daemon.json("transcribe", str(audio), "--model", "loudness")

    assert {word for one in found["segments"] for word in one["text"].split()} == {"loud", "soft"}
    assert found["language"] == "en"
    _assert_words_are_in_order(found)


def test_a_model_file_that_is_not_what_its_engine_reads_is_corrupt_and_the_daemon_lives(
    daemon: Daemon, clip: Path, tmp_path: Path
) -> None:
    files = {}
    for name, path in _whisper(TINY_WHISPER).items():
        files[name] = tmp_path / name
        files[name].write_bytes(path.read_bytes())
    files["model.bin"].write_bytes(os.urandom(100_000))
    _install(daemon, "broken", 'engine = "faster_whisper"\nlanguages = ["en"]', files)
    daemon.start()

    done = daemon.run("transcribe", str(clip), "--model", "broken", "--json")

    assert b'"corrupt_model"' in done.stdout
    assert daemon.health().status in ("ok", "degraded")
    assert daemon.json("transcribe", str(clip))["segments"]
