"""Choosers with their parts faked, and manifests for them."""

import sys
from pathlib import Path

import msgspec
import pytest

from edged.config import Config
from edged.models import machine, probing
from edged.models.accelerators import Runtime
from edged.models.devices import Devices
from edged.models.files import ModelFiles
from edged.models.manifest import Engine, Manifest

HERE = Path(__file__).parent
ENGINES = {
    "onnx": Engine(module="slow_engine", packages=()),
    "pocketsphinx": Engine(module="slow_engine", packages=()),
}


def model(**facts: object) -> Manifest:
    """A manifest without files; its id is m unless given."""
    plain: dict[str, object] = {
        "id": "m",
        "task": "infer",
        "engine": "onnx",
        "description": "a fake",
        "license": "Apache-2.0",
        "memory_bytes": 1,
    }
    return msgspec.convert(plain | facts, Manifest)


class Drivers:
    """Which devices the files speak for; `tried` counts the children."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *there: str, **works: str) -> None:
        self.tried: list[str] = []
        self._there = there
        self._works = works
        monkeypatch.setattr(probing, "lacking", self._lacking)
        monkeypatch.setattr(probing, "probe", self._probe)

    def _lacking(self, runtime: Runtime, device: str) -> str:
        del runtime
        return "" if device in self._there else "no device file"

    async def _probe(self, runtime: Runtime, device: str, *, module: str, deadline_s: float) -> str:
        del runtime, module, deadline_s
        self.tried.append(device)
        return self._works.get(device.replace(":", "_"), "")


def devices(cache: Path, **sections: object) -> Devices:
    """A chooser over the slow engine."""
    files = ModelFiles(cache / "models", cache, ENGINES)
    return Devices(msgspec.convert(sections, Config), cache, files=files, engines=ENGINES)


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow engine is found by workers, and the machine has four cores."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.setattr(sys, "path", [str(HERE), *sys.path])
    monkeypatch.setattr(machine, "processor_counts", lambda: (4, 4))
