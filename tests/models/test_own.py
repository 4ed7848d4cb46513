"""Manifests of models that the user has."""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from edged.errors import BadRequest, CorruptModel, ModelMissing, Unsupported
from edged.models import own
from edged.models.blobs import hash_file
from edged.models.manifest import ENGINES, parse
from edged.models.own import Own, describe, document, suggested_id

WHISPER = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")


def _folder(place: Path, *names: str) -> Path:
    """Files that hold their own names; those of ONNX are real."""
    place.mkdir(exist_ok=True)
    for name in names:
        if name.endswith(".onnx"):
            _graph(place / name)
        else:
            (place / name).write_text(name)
    return place


def _graph(path: Path) -> Path:
    ends = [helper.make_tensor_value_info(one, TensorProto.FLOAT, [1]) for one in ("x", "y")]
    nodes = [helper.make_node("Add", ["x", path.stem], ["y"])]
    weight = helper.make_tensor(path.stem, TensorProto.FLOAT, [1], [1.0])
    graph = helper.make_graph(nodes, "tested", ends[:1], ends[1:], [weight])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def _whisper(place: Path) -> Own:
    return Own(place=place, engine="faster_whisper", task="transcribe", id="mine")


def test_a_fine_tuned_whisper_is_described_with_hashes_where_its_files_lie(tmp_path: Path) -> None:
    place = _folder(tmp_path / "whisper", *WHISPER, "README.md", "optimizer.pt")

    made = describe(_whisper(place))

    assert {file.name: file.path for file in made.files} == {
        name: str(place / name) for name in WHISPER
    }
    assert made.files[0].sha256 == hash_file(place / "model.bin")
    assert (made.packs, made.window_ms) == (True, 28_000)
    assert made.memory_bytes > 100_000_000


@pytest.mark.parametrize("lacking", WHISPER)
def test_what_lacks_is_named(tmp_path: Path, lacking: str) -> None:
    place = _folder(tmp_path / "whisper", *(set(WHISPER) - {lacking}))

    with pytest.raises(ModelMissing, match=lacking):
        describe(_whisper(place))


@pytest.mark.parametrize(
    ("names", "kind", "found"),
    [
        (
            ("encoder.int8.onnx", "encoder.onnx", "decoder.onnx", "joiner.int8.onnx", "tokens.txt"),
            None,
            {
                "encoder.onnx": "encoder.int8.onnx",
                "decoder.onnx": "decoder.onnx",
                "joiner.onnx": "joiner.int8.onnx",
                "tokens.txt": "tokens.txt",
            },
        ),
        (
            ("small-encoder.onnx", "small-decoder.onnx", "small-tokens.txt"),
            "whisper",
            {
                "encoder.onnx": "small-encoder.onnx",
                "decoder.onnx": "small-decoder.onnx",
                "tokens.txt": "small-tokens.txt",
            },
        ),
        (
            ("preprocess.onnx", "encode.int8.onnx", "uncached_decode.int8.onnx",
             "cached_decode.int8.onnx", "tokens.txt"),
            "moonshine",
            {
                "preprocessor.onnx": "preprocess.onnx",
                "encoder.onnx": "encode.int8.onnx",
                "uncached_decoder.onnx": "uncached_decode.int8.onnx",
                "cached_decoder.onnx": "cached_decode.int8.onnx",
                "tokens.txt": "tokens.txt",
            },
        ),
        (
            ("model.int8.onnx", "tokens.txt"),
            "sense_voice",
            {"model.onnx": "model.int8.onnx", "tokens.txt": "tokens.txt"},
        ),
    ],
)  # fmt: skip
def test_a_folder_of_sherpa_is_told_by_its_files(
    tmp_path: Path, names: tuple[str, ...], kind: str | None, found: dict[str, str]
) -> None:
    place = _folder(tmp_path / "sherpa", *names)

    made = describe(Own(place=place, engine="sherpa_offline", task="transcribe"))

    assert {file.name: Path(file.path).name for file in made.files} == found
    assert made.parameters.get("kind") == kind


def test_labels_beside_a_graph_are_taken_along(tmp_path: Path) -> None:
    place = _folder(tmp_path / "Pets v2", "pets.onnx", "labels.txt")

    made = describe(Own(place=place, engine="onnx", task="image_classify"))

    assert made.id == "pets-v2"
    assert made.labels_file == "labels.txt"
    assert [file.name for file in made.files] == ["model.onnx", "labels.txt"]


def test_one_file_is_a_model_too(tmp_path: Path) -> None:
    path = _graph(tmp_path / "sums.onnx")

    made = describe(Own(place=path, engine="onnx", task="infer"))

    assert (made.id, made.files[0].path) == ("sums", str(path))


def test_two_graphs_in_one_folder_are_not_guessed_between(tmp_path: Path) -> None:
    place = _folder(tmp_path / "two", "a.onnx", "b.onnx")

    with pytest.raises(BadRequest, match=r"a\.onnx, b\.onnx"):
        describe(Own(place=place, engine="onnx", task="infer"))


def test_a_graph_with_data_outside_its_file_is_refused(tmp_path: Path) -> None:
    path = _graph(tmp_path / "sums.onnx")
    model = onnx.load(path)
    weight = model.graph.initializer[0]
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../elsewhere")
    path.write_bytes(model.SerializeToString())

    with pytest.raises(CorruptModel, match="outside itself"):
        describe(Own(place=path, engine="onnx", task="infer"))


def test_a_tflite_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_text("no model")

    with pytest.raises(CorruptModel):
        describe(Own(place=path, engine="litert", task="infer"))


def test_a_place_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="cannot be read"):
        describe(_whisper(tmp_path / "nowhere"))


@pytest.mark.parametrize("engine", ["pocketsphinx", "magic"])
def test_files_that_cannot_be_told_by_name_need_a_manifest(tmp_path: Path, engine: str) -> None:
    with pytest.raises(Unsupported) as raised:
        describe(Own(place=tmp_path, engine=engine, task="transcribe"))

    assert "docs/MANIFESTS.md" in raised.value.fix


def test_a_task_of_another_engine_is_refused_with_those_it_has(tmp_path: Path) -> None:
    with pytest.raises(BadRequest) as raised:
        describe(Own(place=tmp_path, engine="faster_whisper", task="infer"))

    assert raised.value.fix == "--task transcribe"


@pytest.mark.parametrize("said", [{"id": "UPPER/case"}, {"languages": ("English",)}])
def test_what_makes_no_manifest_is_refused(tmp_path: Path, said: dict[str, object]) -> None:
    place = _folder(tmp_path / "whisper", *WHISPER)
    facts = {"place": place, "engine": "faster_whisper", "task": "transcribe"} | said

    with pytest.raises(BadRequest):
        describe(Own(**facts))  # type: ignore[arg-type]  # wrong on purpose


def test_a_document_reads_back_as_what_it_was_made_of(tmp_path: Path) -> None:
    place = _folder(tmp_path / 'odd "näme" \U0001f600', *WHISPER)
    made = describe(
        Own(
            place=place,
            engine="faster_whisper",
            task="transcribe",
            id="mine",
            license='my "own"',
            languages=("en", "de"),
            parameters={"beam_size": 5, "compute_type": "int8", "odd name": True, "x": 0.5},
        )
    )

    assert parse(document(made), "mine.toml") == made


def test_an_id_is_made_of_a_name() -> None:
    assert suggested_id(Path("/models/My Whisper (v2)")) == "my-whisper-v2"
    assert suggested_id(Path("/models/模型")) == "model"


def test_every_engine_with_rules_is_one() -> None:
    assert set(own.RULES) <= set(ENGINES)
