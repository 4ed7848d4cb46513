"""docs/PRESETS.md names every parameter that a preset reads, and its manifests are ones."""

import re
from pathlib import Path

import pytest

from edged.models import manifest, presets
from edged.models.lint import lint
from edged.models.preset_parameters import PARAMETERS
from edged.models.presets import PRESETS

PAGE = (Path(__file__).parents[3] / "docs" / "PRESETS.md").read_text()
EXAMPLES = re.findall(r"```toml (\S+)\n(.*?)```", PAGE, re.DOTALL)


def test_every_parameter_that_is_read_is_in_a_table_and_none_else() -> None:
    rows = re.findall(r"^\| (`[^|]*) \|[^|]*\|[^|]*\|$", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert named - set(PRESETS) == frozenset().union(*PARAMETERS.values())


def test_each_preset_reads_what_is_known_of_it_and_no_other_does() -> None:
    assert set(PARAMETERS) == set(PRESETS)


def test_a_name_that_is_known_is_read_somewhere() -> None:
    folder = Path(presets.__file__).parent
    code = "".join(path.read_text() for path in folder.glob("*.py"))

    for name in frozenset().union(*PARAMETERS.values()):
        assert re.search(rf'_of\(\s*spec, "{name}"|_three\(spec, "{name}"', code), name


def test_there_is_an_example_for_each_preset() -> None:
    tasks = [manifest.parse(text.encode(), f"{name}.toml").task for name, text in EXAMPLES]

    assert sorted(tasks) == sorted(PRESETS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: str(one[0]))
def test_an_example_is_a_manifest_whose_parameters_are_read(example: tuple[str, str]) -> None:
    name, text = example

    found = manifest.parse(text.encode(), f"{name}.toml")

    assert set(found.parameters) <= PARAMETERS[found.task]
    assert [line for line in lint([found], manifest.ENGINES) if "sha256" not in line] == []


def test_the_parameters_of_shipped_models_are_read() -> None:
    shipped = [manifest.read(path) for path in sorted((Path(__file__).parents[3] / "model_manifests").glob("*.toml"))]  # fmt: skip
    graphs = [one for one in shipped if one.task in PARAMETERS and one.engine in {"onnx", "litert"}]

    assert graphs
    for one in graphs:
        assert set(one.parameters) <= PARAMETERS[one.task], one.id


def test_lint_finds_a_misspelt_parameter_before_anything_is_loaded() -> None:
    name, text = EXAMPLES[0]
    wrong = manifest.parse(text.replace("resize =", "resice =").encode(), f"{name}.toml")

    found = [line for line in lint([wrong], manifest.ENGINES) if "resice" in line]

    assert len(found) == 1
    assert "`parameters.resice`: image_classify reads no such; one of activation" in found[0]
