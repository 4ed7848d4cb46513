"""`edged browser` as it is typed: what it prints, and its exit status."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edged import __version__
from edged.bridge.browsers.trial import Trial
from edged.cli.main import main

INSTALLED = """\
Chromium: written  {home}/.config/chromium/NativeMessagingHosts/org.edged.host.json
Firefox: written  {home}/.mozilla/native-messaging-hosts/org.edged.host.json
next: load the extension, and approve it when it asks: edged clients approve
"""
REFUSED = """\
Chromium: refused  {home}/.config/chromium/NativeMessagingHosts/org.edged.host.json
  denied: something is there that is no file of ours, perhaps a link
  fix: look at it, and remove it yourself if it is not wanted
"""
EXAMINED = """\
Vivaldi
  + user   {home}/.config/vivaldi/NativeMessagingHosts/org.edged.host.json  this one counts
           starts {home}/edged/state/native-host, for eiondinnokoebncooeapkkhgldfbaall
  - system /etc/opt/chrome/native-messaging-hosts/org.edged.host.json  nothing there

no daemon runs, so the host was not tried
nothing is wrong
"""
UNREGISTERED = """\
Vivaldi
  - user   {home}/.config/vivaldi/NativeMessagingHosts/org.edged.host.json  nothing there
  - system /etc/opt/chrome/native-messaging-hosts/org.edged.host.json  nothing there
  ! host_not_registered: it finds no manifest
    fix: edged browser install --browser vivaldi

no daemon runs, so the host was not tried
1 wrong
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the paths are those of Linux")

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new user's: no browser on the PATH, none running that could be seen."""
    for name in ("XDG_CONFIG_HOME", "CHROME_CONFIG_HOME", "SUDO_UID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("EDGED_HOME", str(tmp_path / "edged"))
    monkeypatch.setattr("edged.bridge.browsers.examining.user_data_dirs", lambda _: ())
    monkeypatch.setattr("edged.cli.render.PIPED_WIDTH", 1_000)  # the home's path may be long
    return tmp_path


@pytest.fixture
def say(home: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Types `edged browser ...`; gives the exit status and what was printed, the home as {home}."""

    def typed(*words: str) -> tuple[int, str]:
        status = main(["browser", *words])
        said = capsys.readouterr()
        return status, (said.out or said.err).replace(str(home), "{home}")

    return typed


def _started_once(home: Path, *folders: str) -> None:
    for folder in folders:
        (home / folder).mkdir(parents=True)
        (home / folder / "Local State").touch()


def test_install_names_each_file_that_it_wrote(home: Path, say: Say) -> None:
    _started_once(home, ".config/chromium", ".mozilla/firefox")

    assert say("install") == (0, INSTALLED)


def test_uninstall_leaves_nothing_behind(home: Path, say: Say) -> None:
    _started_once(home, ".config/chromium", ".mozilla/firefox")
    say("install")

    status, said = say("uninstall")

    assert (status, said.count(": removed")) == (0, 2)
    assert not list(home.rglob("*org.edged*"))
    assert say("uninstall") == (0, "nothing was registered\n")


def test_one_refusal_is_an_exit_status_and_the_others_go_on(home: Path, say: Say) -> None:
    hosts = home / ".config/chromium/NativeMessagingHosts"
    _started_once(home, ".config/chromium", ".mozilla/firefox")
    hosts.mkdir()
    (hosts / "org.edged.host.json").symlink_to("/etc/passwd")

    status, said = say("install")

    assert status == 1
    assert said == REFUSED + INSTALLED.splitlines(keepends=True)[1]


def test_without_a_browser_it_says_what_to_do(say: Say) -> None:
    status, said = say("install")

    assert (status, said.split(":")[0]) == (0, "no browser is here")


def test_list_says_when_no_browser_is_here(say: Say) -> None:
    assert say("list") == (0, "no browser is here\n")


def test_a_browser_that_is_not_here_has_its_exit_status(say: Say) -> None:
    status, said = say("install", "--browser", "opera")

    assert (status, said.splitlines()[0]) == (7, "edged: opera is not on this machine")


def test_a_wildcard_has_its_exit_status(home: Path, say: Say) -> None:
    _started_once(home, ".config/chromium")

    assert say("install", "--extension-id", "*")[0] == 2


def test_several_ids_are_taken(home: Path, say: Say) -> None:
    _started_once(home, ".config/chromium")
    ids = ["a" * 32, "b" * 32]

    say("install", "--extension-id", ids[0], "--extension-id", ids[1])

    manifest = home / ".config/chromium/NativeMessagingHosts/org.edged.host.json"
    assert len(json.loads(manifest.read_bytes())["allowed_origins"]) == 3


def test_list_has_a_line_for_each_browser_here(home: Path, say: Say) -> None:
    _started_once(home, ".config/google-chrome", ".mozilla/firefox")
    say("install", "--browser", "firefox")

    said = say("list")[1]

    assert [line.split()[:4] for line in said.splitlines()[3:5]] == [
        ["Chrome", "yes", "not", "registered"],
        [
            "Firefox",
            "yes",
            "registered",
            "{home}/.mozilla/native-messaging-hosts/org.edged.host.json",
        ],
    ]


def test_the_doctor_says_which_file_counts(home: Path, say: Say) -> None:
    _started_once(home, ".config/vivaldi")
    before = say("doctor", "--no-start")
    say("install")

    after = say("doctor", "--no-start")

    assert before == (1, UNREGISTERED)
    assert after == (0, EXAMINED)


def test_the_doctor_tells_programs_of_every_place(home: Path, say: Say) -> None:
    _started_once(home, ".config/vivaldi")

    status, said = say("doctor", "--no-start", "--json")

    told = json.loads(said)
    (vivaldi,) = (one for one in told["browsers"] if one["here"])
    assert (status, told["ok"], vivaldi["browser"]) == (1, False, "vivaldi")
    assert vivaldi["notes"][0]["code"] == "host_not_registered"
    assert {one["browser"] for one in told["browsers"]} >= {"chrome", "edge", "opera", "firefox"}


def test_install_and_list_speak_json_too(home: Path, say: Say) -> None:
    _started_once(home, ".config/vivaldi")

    installed = json.loads(say("install", "--json")[1])
    listed = json.loads(say("list", "--json")[1])

    assert [one["did"] for one in installed["browsers"]] == ["written"]
    assert [one["state"] for one in listed["browsers"][0]["places"]] == ["used", "absent"]


def test_the_doctor_names_folders_of_browsers_that_run_elsewhere(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "edged.bridge.browsers.examining.user_data_dirs", lambda _: (Path("/elsewhere"),)
    )

    said = say("doctor", "--no-start")[1]

    assert "edged browser install --user-data-dir /elsewhere\n" in said


def test_the_doctor_starts_the_host_where_a_daemon_may_be_started(
    home: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    _started_once(home, ".config/vivaldi")
    say("install")
    ready = Trial(host="x", ms=12.3, version=__version__)
    monkeypatch.setattr("edged.bridge.browsers.trial.start", lambda _: ready)

    said = say("doctor")[1]

    assert f"  + host   edged {__version__} answered after 12 ms\n" in said


def test_a_given_folder_is_registered_and_examined(home: Path, say: Say) -> None:
    folder = str(home / "data")

    installed = say("install", "--user-data-dir", folder)
    examined = say("doctor", "--user-data-dir", folder, "--no-start")

    assert installed[1].startswith("Chromium: written  {home}/data/NativeMessagingHosts/")
    assert examined[0] == 0
