"""What the command that starts a daemon says, and how it ends."""

import os
import select
import sys

import pytest

from edged.bridge.native import starting
from edged.bridge.native.starting import Starting
from edged.errors import DaemonDown, KeyMissing


def _run(monkeypatch: pytest.MonkeyPatch, script: str) -> Starting:
    monkeypatch.setattr(starting, "_edged", lambda: [sys.executable, "-S", "-c", script])
    return Starting()


def _read(started: Starting) -> bool:
    done = False
    while not done:
        assert select.select([started], [], [], 10)[0]
        done = started.read()
    return done


def test_a_command_that_succeeds_means_a_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import os; print(os.getsid(0) == os.getpid() and os.getcwd() == '/' or 1 / 0)"

    assert _read(_run(monkeypatch, script))


def test_its_error_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    said = '{"error": {"code": "key_missing", "message": "no passphrase", "fix": "give one"}}'

    with pytest.raises(KeyMissing, match="no passphrase") as caught:
        _read(_run(monkeypatch, f"print({said!r}); raise SystemExit(21)"))

    assert caught.value.fix == "give one"


@pytest.mark.parametrize("said", ["", "nonsense", "{}", '{"error": 5}', "[1]"])
def test_a_command_that_fails_otherwise_is_a_daemon_that_is_down(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DaemonDown, match="did not start"):
        _read(_run(monkeypatch, f"print({said!r}); raise SystemExit(1)"))


def test_a_frozen_host_is_the_command_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)

    assert starting._edged() == [sys.executable]


def test_one_that_is_left_leaves_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    started = _run(monkeypatch, "pass")
    descriptor = started.fileno()

    started.close()

    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)
    started._process.wait(10)
