"""A host is started as a browser starts it; whatever it does, the trial ends and says what it was."""

import os
import sys
import time
from pathlib import Path

import pytest
from machines import program

from edged.bridge.browsers import trial

ORIGIN = "chrome-extension://eiondinnokoebncooeapkkhgldfbaall/"
REFUSED = """say(json.dumps({"host": {"type": "refused", "error":
    {"code": "version_skew", "message": "m", "fix": "f"}}}))"""
READY = '{"host": {"type": "ready", "version": "9.9", "origin": "o"}}'


def _host(tmp_path: Path, body: str) -> list[str]:
    """A host whose lines are Python's, with what they need imported."""
    begin = f"#!{sys.executable} -S\nimport json, struct, sys, os, time\n"
    say = (
        "def say(text):\n"
        "    sys.stdout.buffer.write(struct.pack('=I', len(text)) + text.encode())\n"
        "    sys.stdout.buffer.flush()\n"
    )
    return [str(program(tmp_path / "host", begin + say + body)), ORIGIN]


def test_a_host_that_is_ready_tells_its_version(tmp_path: Path) -> None:
    tried = trial.start(_host(tmp_path, f"say({READY!r})\nsys.stdin.read()\n"))

    assert (tried.fault, tried.version) == (None, "9.9")
    assert 0 < tried.ms < trial.ANSWER_WITHIN_S * 1000


def test_it_gets_what_a_browser_gives(tmp_path: Path) -> None:
    body = f"open('seen', 'w').write(os.getcwd() + ' ' + sys.argv[1])\nsay({READY!r})\n"

    trial.start(_host(tmp_path, body))

    assert (tmp_path / "seen").read_text() == f"{tmp_path} {ORIGIN}"


def test_each_family_names_the_extension_in_its_own_way() -> None:
    host, manifest = Path("/x/host"), Path("/x/manifest.json")

    chromium = trial.words_for(host, "chromium", manifest, "abc")
    firefox = trial.words_for(host, "firefox", manifest, "a@b")

    assert chromium == ["/x/host", "chrome-extension://abc/"]
    assert firefox == ["/x/host", "/x/manifest.json", "a@b"]


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ("sys.exit(3)", "host_not_registered", "the host ended with status 3"),
        ("print('hello there, stray text')", "host_not_registered", "the host wrote no message"),
        ("os.write(1, b'\\x05\\x00')", "host_not_registered", "the host ended with status 0"),
        ("os.write(1, b'\\x00' * 4)", "host_not_registered", "the host wrote no message"),
        ("say('not json')", "host_not_registered", "the host wrote no message"),
        ("say('[]')", "host_not_registered", "the host wrote no message"),
        (
            REFUSED,
            "version_skew",
            "m",
        ),
        ("say(json.dumps({'host': {'type': 'refused'}}))", "daemon_down", "the host refused"),
    ],
)
def test_every_other_answer_is_told_with_its_code(
    tmp_path: Path, body: str, code: str, text: str
) -> None:
    tried = trial.start(_host(tmp_path, body + "\n"))

    assert tried.fault is not None
    assert (tried.fault.code, tried.fault.text) == (code, text)


def test_a_silent_host_is_ended_in_time(tmp_path: Path) -> None:
    body = "open('pid', 'w').write(str(os.getpid()))\nsys.stdin.read()\n"

    tried = trial.start(_host(tmp_path, body), within_s=0.3)

    assert tried.fault is not None
    assert tried.fault.code == "deadline"


def test_a_host_that_ignores_the_end_of_its_pipe_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "END_WITHIN_S", 0.1)
    body = f"open('pid', 'w').write(str(os.getpid()))\nsay({READY!r})\ntime.sleep(60)\n"
    began = time.monotonic()

    tried = trial.start(_host(tmp_path, body))

    assert tried.fault is None
    assert time.monotonic() - began < 15
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_what_cannot_be_started_is_told(tmp_path: Path) -> None:
    tried = trial.start([str(program(tmp_path / "host", "#!/nowhere/python\n")), ORIGIN])

    assert tried.fault is not None
    assert tried.fault.text == "the host does not start: No such file or directory"


def test_faults_of_the_file_are_found_without_starting_it(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")
    lost = program(tmp_path / "lost", "#!/nowhere/python3 -P\n")
    gone = program(tmp_path / "gone", '#!/bin/sh\n# x\nexec /nowhere/python -P "$@"\n')
    loose = program(tmp_path / "loose")
    loose.chmod(0o757)

    found = {
        path.name: [one.text for one in trial.faults_of(path, "linux")]
        for path in (plain, lost, gone, loose, tmp_path, tmp_path / "absent")
    }

    assert found == {
        "plain": ["the host is not executable"],
        "lost": ["the host's interpreter is not there: /nowhere/python3"],
        "gone": ["the host's interpreter is not there: /nowhere/python"],
        "loose": ["everybody may change the host's file"],
        tmp_path.name: ["the host that it names is no file"],
        "absent": ["the host that it names cannot be reached: No such file or directory"],
    }


def test_a_good_host_has_no_fault(tmp_path: Path) -> None:
    text = f'#!/bin/sh\n# x\nexec {sys.executable} -P "$@"\n'

    assert list(trial.faults_of(program(tmp_path / "host", text), "linux")) == []
    assert list(trial.faults_of(program(tmp_path / "host.bat", "@echo off"), "win32")) == []
