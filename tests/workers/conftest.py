"""Real workers with a fake engine, which they find through PYTHONPATH."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _fake_engine_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(here)
