"""Bundles of TFLite files, and what is added to the files in them."""

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from tiny_models import relu

from edged.errors import ConfigError, CorruptModel
from edged.models.build import make
from edged.models.build.tflite_metadata import with_normalization
from edged.models.build.tflite_repeat import with_repeated_points
from edged.models.graph_files import check_tflite
from edged.models.manifest import Build, Ingredient
from edged.models.presets.metadata import notes_of
from edged.models.runtime import ModelSpec, Parameter

NAMES = ("detector.tflite", "landmarks.tflite")


def _bundle(folder: Path, **parameters: Parameter) -> Path:
    """A bundle of two models that are 6 and 9 numbers wide."""
    folder.mkdir(exist_ok=True)
    for name, numbers in zip(NAMES, (6, 9), strict=True):
        (folder / name).write_bytes(relu(numbers))
    plan = Build(
        builder="mediapipe_task",
        ingredients=tuple(Ingredient(name=name) for name in NAMES),
        parameters=parameters,
    )
    make(plan, {name: folder / name for name in NAMES}, folder / "model.task")
    return folder / "model.task"


def _run(model: bytes, values: list[float]) -> npt.NDArray[np.float32]:
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    facts = interpreter.get_input_details()[0]
    interpreter.set_tensor(facts["index"], np.array(values, np.float32).reshape(facts["shape"]))
    interpreter.invoke()
    found: npt.NDArray[np.float32] = interpreter.get_tensor(
        interpreter.get_output_details()[0]["index"]
    )
    return found


def test_a_bundle_stores_its_members_in_order_where_tensors_may_be_read_in_place(
    tmp_path: Path,
) -> None:
    path = _bundle(tmp_path)

    content = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        entries = bundle.infolist()
        assert bundle.testzip() is None
        assert [entry.filename for entry in entries] == list(NAMES)
        assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
        assert bundle.read(NAMES[0]) == relu(6)
    places = [content.index(relu(6)), content.index(relu(9))]
    assert [place % 16 for place in places] == [0, 0]


def test_a_bundle_is_the_same_in_every_process_and_at_any_time(tmp_path: Path) -> None:
    here = hashlib.sha256(_bundle(tmp_path / "a", normalize=NAMES[1]).read_bytes()).hexdigest()
    code = (
        "import sys, hashlib; from pathlib import Path;"
        "sys.path.insert(0, sys.argv[1]); import test_mediapipe_task as t;"
        "made = t._bundle(Path(sys.argv[2]), normalize=t.NAMES[1]);"
        "print(hashlib.sha256(made.read_bytes()).hexdigest())"
    )

    found = [
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / seed)],
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": f"UTC+{seed}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "7")
    ]

    assert found == [here, here]


def test_added_metadata_says_how_pixels_are_wanted_and_changes_no_result(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"

    file.write_bytes(with_normalization(relu(), mean=[0.5], deviation=[255.0]))

    check_tflite(file, name="made")
    spec = ModelSpec(
        id="made", task="image_classify", engine="litert", files={"model.tflite": str(file)}
    )
    notes = notes_of(spec).input()
    assert (notes.mean, notes.deviation) == ((0.5,), (255.0,))
    assert _run(file.read_bytes(), [-1, 2, -3, 4, 5, -6]).ravel().tolist() == [0, 2, 0, 4, 5, 0]
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(file.read_bytes(), 0))
    assert (model.version, model.description) == (3, b"for a test")


def test_metadata_that_is_there_is_not_replaced() -> None:
    with pytest.raises(CorruptModel, match="says already"):
        with_normalization(relu(metadata=b"something"), mean=[0], deviation=[1])


def test_points_are_repeated_behind_those_that_a_model_gives(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"

    file.write_bytes(with_repeated_points(relu(6), [1, 0, 1]))

    check_tflite(file, name="made")
    found = _run(file.read_bytes(), [1, 2, 3, 4, -5, 6])
    assert found.shape == (1, 1, 1, 15)
    assert found.ravel().tolist() == [1, 2, 3, 4, 0, 6, 4, 0, 6, 1, 2, 3, 4, 0, 6]


@pytest.mark.parametrize(("numbers", "points"), [(6, [2]), (6, [-1]), (5, [0])])
def test_points_that_a_model_has_not_are_not_repeated(numbers: int, points: list[int]) -> None:
    with pytest.raises(CorruptModel):
        with_repeated_points(relu(numbers), points)


def test_both_changes_fit_into_one_model() -> None:
    repeated = with_repeated_points(relu(3), [0])

    found = with_normalization(repeated, mean=[1, 2, 3], deviation=[4, 5, 6])

    assert _run(found, [1, -2, 3]).ravel().tolist() == [1, 0, 3, 1, 0, 3]


def test_a_model_that_is_cut_off_is_corrupt() -> None:
    with pytest.raises(CorruptModel):
        with_normalization(relu()[:40], mean=[0], deviation=[1])


@pytest.mark.parametrize(
    "parameters", [{"meann": 1.0}, {"normalize": 1.0}, {"std": "x", "normalize": NAMES[0]}]
)
def test_parameters_that_make_no_sense_are_refused(
    tmp_path: Path, parameters: dict[str, Parameter]
) -> None:
    with pytest.raises(ConfigError):
        _bundle(tmp_path, **parameters)
