"""docs/PRESETS.md names every parameter that a preset reads, and its manifests are ones."""

import re
from pathlib import Path

import pytest

from edged.models import manifest
from edged.models.lint import lint
from edged.models.presets import PRESETS, classify, detect, embed, hearing, segment, texts

PAGE = (Path(__file__).parents[3] / "docs" / "PRESETS.md").read_text()
READ = {
    "image_classify": classify.PARAMETERS,
    "image_detect": detect.PARAMETERS,
    "image_embed": embed.PARAMETERS,
    "image_segment": segment.PARAMETERS,
    "audio_classify": hearing.PARAMETERS,
    "text_classify": texts.PARAMETERS,
}
EXAMPLES = re.findall(r"```toml (\S+)\n(.*?)```", PAGE, re.DOTALL)


def test_every_parameter_that_is_read_is_in_a_table_and_none_else() -> None:
    rows = re.findall(r"^\| (`[^|]*) \|[^|]*\|[^|]*\|$", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert named - set(PRESETS) == frozenset().union(*READ.values())


def test_there_is_an_example_for_each_preset() -> None:
    tasks = [manifest.parse(text.encode(), f"{name}.toml").task for name, text in EXAMPLES]

    assert sorted(tasks) == sorted(PRESETS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: str(one[0]))
def test_an_example_is_a_manifest_whose_parameters_are_read(example: tuple[str, str]) -> None:
    name, text = example

    found = manifest.parse(text.encode(), f"{name}.toml")

    assert set(found.parameters) <= READ[found.task]
    assert [line for line in lint([found], manifest.ENGINES) if "sha256" not in line] == []


def test_the_parameters_of_shipped_models_are_read() -> None:
    shipped = [manifest.read(path) for path in sorted((Path(__file__).parents[3] / "model_manifests").glob("*.toml"))]  # fmt: skip
    presets = [one for one in shipped if one.task in READ and one.engine in {"onnx", "litert"}]

    assert presets
    for one in presets:
        assert set(one.parameters) <= READ[one.task], one.id
