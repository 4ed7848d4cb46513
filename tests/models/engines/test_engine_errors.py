"""What each engine's own errors become: a leaf that tells the caller what to do."""

import asyncio
from pathlib import Path

import pytest
from hosted import DATA, folder_files, hosted, shipped, spec_for

from edged.errors import BadRequest, CorruptModel, EdgedError, ModelMissing, WorkerGone
from edged.models.runtime import ModelSpec

ENGINES = (
    "silero",
    "pocketsphinx",
    "faster_whisper",
    "sherpa_offline",
    "sherpa_online",
    "litert",
    "onnx",
)


def load_error(spec: ModelSpec, argument: bytes | None = None) -> EdgedError:
    """The leaf that loading ends with; the worker is gone then."""

    async def load() -> None:
        async with hosted(spec, argument):
            pass

    with pytest.raises(EdgedError) as caught:
        asyncio.run(load())
    return caught.value


def files_of(engine: str, folder: Path) -> dict[str, str]:
    """Paths that a model of the engine would have; nothing lies there yet."""
    names = {
        "silero": ["model.onnx"],
        "pocketsphinx": ["mdef", "dictionary", "lm"],
        "faster_whisper": ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"],
        "sherpa_offline": ["encoder", "decoder", "joiner", "tokens"],
        "sherpa_online": ["encoder", "decoder", "joiner", "tokens"],
        "litert": ["model.tflite"],
        "onnx": ["model.onnx"],
    }
    return {name: str(folder / name) for name in names[engine]}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_spec_that_is_garbage_is_a_bad_request(engine: str) -> None:
    assert type(load_error(spec_for(engine, {}), b"\xc1")) is BadRequest


@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_that_the_manifest_does_not_name_is_missing(engine: str) -> None:
    assert type(load_error(spec_for(engine, {}))) is ModelMissing


@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_that_is_not_there_is_missing(engine: str, home: Path) -> None:
    error = load_error(spec_for(engine, files_of(engine, home)))

    assert type(error) is ModelMissing
    assert str(home) not in error.message


ENDS_ITS_PROCESS = ("pocketsphinx", "sherpa_offline")
"""Engines that call exit() over garbage. Files are compared with their hashes before a load, so
that only a manifest of one's own that hashes garbage gets there."""


@pytest.mark.parametrize("engine", ENGINES)
def test_files_that_hold_no_model_are_corrupt_or_end_the_worker_only(
    engine: str, home: Path
) -> None:
    files = files_of(engine, home)
    for path in files.values():
        Path(path).write_bytes(b"this is no model\n" * 100)

    expected = WorkerGone if engine in ENDS_ITS_PROCESS else CorruptModel
    assert type(load_error(spec_for(engine, files))) is expected


def test_another_onnx_model_is_no_silero() -> None:
    joiner = str(DATA / "tiny-transducer" / "joiner.onnx")

    error = load_error(spec_for("silero", {"model.onnx": joiner}))

    assert type(error) is CorruptModel
    assert "another model" in error.message


@pytest.mark.parametrize("name", ["tokenizer.json", "model.bin", "vocabulary.json", "config.json"])
def test_one_broken_file_beside_good_ones_makes_a_whisper_corrupt(name: str, home: Path) -> None:
    for good, path in folder_files(DATA / "tiny-whisper").items():
        (home / good).write_bytes(b"{" if good == name else Path(path).read_bytes())

    assert type(load_error(spec_for("faster_whisper", folder_files(home)))) is CorruptModel


def test_a_truncated_whisper_is_corrupt(home: Path) -> None:
    for name, path in folder_files(DATA / "tiny-whisper").items():
        data = Path(path).read_bytes()
        (home / name).write_bytes(data[: len(data) // 2] if name == "model.bin" else data)

    assert type(load_error(spec_for("faster_whisper", folder_files(home)))) is CorruptModel


def test_a_whisper_in_two_folders_is_corrupt(home: Path) -> None:
    files = folder_files(DATA / "tiny-whisper")
    (home / "config.json").write_bytes(Path(files["config.json"]).read_bytes())
    files["config.json"] = str(home / "config.json")

    error = load_error(spec_for("faster_whisper", files))

    assert type(error) is CorruptModel
    assert "folders" in error.message


def test_a_truncated_acoustic_model_is_corrupt(home: Path) -> None:
    spec = shipped("pocketsphinx-en-us", home)
    files = {}
    for name, path in spec.files.items():
        data = Path(path).read_bytes()
        (home / name).write_bytes(data[: len(data) // 2] if name == "means" else data)
        files[name] = str(home / name)

    assert type(load_error(spec_for("pocketsphinx", files))) is CorruptModel
