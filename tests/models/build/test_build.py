"""Builders, by name."""

import importlib.util
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from edged.errors import EngineMissing
from edged.models import build
from edged.models.manifest import Build, Ingredient

PLANS = {
    "mediapipe_task": Build(builder="mediapipe_task", ingredients=(Ingredient(name="x"),)),
    "bert_onnx": Build(builder="bert_onnx", ingredients=(Ingredient(name="x"),)),
    "quantize": Build(builder="quantize", ingredients=(Ingredient(name="x"),)),
}


def _find_nothing(name: str) -> None:
    del name


def test_every_builder_of_a_manifest_has_a_module_and_says_what_it_needs() -> None:
    known = get_args(get_type_hints(Build)["builder"])

    assert set(build.BUILDERS) == set(PLANS) == set(known)
    for name in known:
        assert importlib.util.find_spec(f"edged.models.build.{name}") is not None
        build.check(PLANS[name])


@pytest.mark.parametrize("builder", ["bert_onnx", "quantize"])
def test_a_builder_without_its_packages_names_the_extra(
    builder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", _find_nothing)

    with pytest.raises(EngineMissing) as raised:
        build.make(PLANS[builder], {}, tmp_path / "out")

    assert "edged[language]" in raised.value.fix
    assert raised.value.details["extra"] == "language"
    assert not (tmp_path / "out").exists()
