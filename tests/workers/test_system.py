import os
import subprocess

import pytest

from edged.workers import system


def test_the_state_of_processes() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        assert system.state_of(child.pid) in {"S", "R", "D"}
        child.kill()
    assert system.state_of(child.pid) == ""


def test_a_name_with_parentheses_does_not_confuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_read", lambda _: "12 (a) R (b)) T 1 12 12")

    assert system.state_of(12) == "T"


def test_memory_is_measured() -> None:
    assert system.pss_bytes(os.getpid()) > 2**20
    assert system.pss_bytes(2**22 + 1) == 0
    assert system.available_memory() > 2**20
    assert system.oom_kills() >= 0
