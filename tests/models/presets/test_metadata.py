"""What a .tflite file says about itself, and lists in files: bounded, whatever is in them."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_graphs import spec

from edged.errors import CorruptModel, ModelMissing
from edged.models.presets import metadata
from edged.models.presets.flat import BrokenTable, Table
from edged.models.presets.labels import labels_of
from edged.models.presets.metadata import Notes, TensorNotes, member_lines, members_of, notes_of
from edged.models.runtime import ModelSpec


def carrying(folder: Path, **members: str | bytes) -> ModelSpec:
    """A file with a zip at its end, as TFLite metadata have it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    path = folder / "model.tflite"
    path.write_bytes(bytes(100) + archive.getvalue())
    return spec("image_classify", files={"model.tflite": str(path)})


def test_coco_ssd_says_how_it_is_scaled_and_which_output_has_labels(assets: Path) -> None:
    path = assets / "vision/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
    described = spec("image_detect", files={"model.tflite": str(path)})

    notes = notes_of(described)

    assert notes.input() == TensorNotes(name="image", mean=(127.5,), deviation=(127.5,))
    assert [one.name for one in notes.outputs] == [
        "locations", "classes", "scores", "number of detections",
    ]  # fmt: skip
    assert labels_of(described, notes)[16] == "cat"


def test_a_text_classifier_says_how_words_are_cut(assets: Path) -> None:
    path = assets / "text/nl_classifier_builtin_ops.tflite"
    described = spec("text_classify", files={"model.tflite": str(path)})

    notes = notes_of(described)

    assert (notes.input().delimiter, notes.input().vocabulary) == (r"[^\w\']+", "vocab.txt")
    assert labels_of(described, notes) == ("Negative", "Positive")
    assert len(member_lines(described, "vocab.txt")) > 1000


def test_any_damage_to_the_description_is_an_error_or_harmless(
    assets: Path, tmp_path: Path
) -> None:
    source = assets / "vision/selfie_segmenter.tflite"
    content = bytearray(source.read_bytes())
    random = np.random.default_rng(7)
    target = tmp_path / "model.tflite"
    described = spec("image_segment", files={"model.tflite": str(target)})
    refused = 0
    for _ in range(150):
        broken = bytearray(content)
        for place in random.integers(8, 4000, 40):
            broken[place] = int(random.integers(0, 256))
        target.write_bytes(broken)
        try:
            notes_of(described)
        except CorruptModel:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize("size", [0, 3, 7, 12, 40])
def test_a_file_that_ends_early_is_refused_or_says_nothing(size: int, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes((b"\x10\0\0\0TFL3" + bytes(60))[:size])

    try:
        assert notes_of(spec("infer", files={"model.tflite": str(path)})) == Notes()
    except CorruptModel as error:
        assert "metadata" in error.message


def test_a_list_that_says_it_is_endless_is_refused() -> None:
    # root -> table with one field -> a vector that claims 2**31 items
    content = (
        (12).to_bytes(4, "little") + (6).to_bytes(2, "little") + (8).to_bytes(2, "little")
        + (4).to_bytes(2, "little") + bytes(2) + (8).to_bytes(4, "little", signed=True)
        + (4).to_bytes(4, "little") + (2**31).to_bytes(4, "little")
    )  # fmt: skip
    table = Table.root(content)

    with pytest.raises(BrokenTable):
        list(table.tables(0))
    with pytest.raises(BrokenTable):
        table.floats(0)
    with pytest.raises(BrokenTable):
        table.data(0)


def test_the_only_list_in_a_file_is_its_labels(tmp_path: Path) -> None:
    described = carrying(tmp_path, **{"labels.txt": "cat\r\ndog\n\nowl\n\n", "readme.md": "no"})

    assert members_of(described) == ("labels.txt",)
    assert labels_of(described, Notes()) == ("cat", "dog", "", "owl")


def test_of_several_lists_one_has_to_be_named(tmp_path: Path) -> None:
    described = carrying(tmp_path, **{"a.txt": "cat", "b.txt": "Katze"})
    named = spec("image_classify", files=described.files, parameters={"labels_member": "b.txt"})

    assert labels_of(described, Notes()) == ()
    assert labels_of(named, Notes()) == ("Katze",)
    assert labels_of(described, Notes(outputs=(TensorNotes(labels="a.txt"),))) == ("cat",)


def test_the_manifests_labels_come_first_and_then_its_file(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("from the file\n")
    files = {**carrying(tmp_path, **{"x.txt": "inside"}).files, "names.txt": str(tmp_path / "names.txt")}  # fmt: skip

    stated: dict[str, Any] = {"labels_file": "names.txt"}
    assert labels_of(spec("infer", files=files, labels=("said",), **stated), Notes()) == ("said",)
    assert labels_of(spec("infer", files=files, **stated), Notes()) == ("from the file",)
    assert labels_of(spec("infer", files=files), Notes()) == ("inside",)


def test_lists_that_are_none_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = carrying(tmp_path, **{"latin.txt": b"caf\xe9", "long.txt": b"x" * 5000})
    monkeypatch.setattr(metadata, "LARGEST_LIST", 4000)

    with pytest.raises(CorruptModel, match="not UTF-8"):
        member_lines(described, "latin.txt")
    with pytest.raises(CorruptModel, match="too large"):
        member_lines(described, "long.txt")
    with pytest.raises(CorruptModel, match="carries no other.txt"):
        member_lines(described, "other.txt")
    with pytest.raises(ModelMissing):
        labels_of(spec("infer", labels_file="gone.txt"), Notes())


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    described = carrying(tmp_path, **{"labels.txt": "cat\n" * 2000})
    path = Path(described.files["model.tflite"])
    content = bytearray(path.read_bytes())
    content[145:160] = bytes(15)
    path.write_bytes(content)

    with pytest.raises(CorruptModel, match="cannot be read"):
        member_lines(described, "labels.txt")
