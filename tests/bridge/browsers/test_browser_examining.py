"""What the doctor says of a browser: which place counts, why, and with which code and fix."""

import sys
from pathlib import Path

import pytest
from machines import Machine, kind, machine, program

from edged import __version__
from edged.bridge.browsers.examining import BrowserReport, Examination
from edged.bridge.browsers.identity import CHROMIUM_ID
from edged.bridge.browsers.manifests import text_of
from edged.bridge.browsers.places import places
from edged.errors import BadRequest

OTHER = "abcdefghijklmnopabcdefghijklmnop"
READY = """#!{python} -S
import struct, sys
text = b'{{"host": {{"type": "ready", "version": "{version}"}}}}'
sys.stdout.buffer.write(struct.pack("=I", len(text)) + text)
sys.stdout.flush()
open(__file__ + ".starts", "a").write(sys.argv[1] + "\\n")
sys.stdin.read()
"""


@pytest.fixture
def made(tmp_path: Path) -> Machine:
    return machine(tmp_path)


def _host(tmp_path: Path, version: str = __version__) -> Path:
    text = READY.format(python=sys.executable, version=version)
    return program(tmp_path / f"host-{version}", text)


def _file(made: Machine, title: str, place: int = 0) -> Path:
    path = Path(places(made.system, kind(title))[place].path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _look(made: Machine, browser: str = "chromium", **options: object) -> BrowserReport:
    examination = Examination(made.system, **options)  # type: ignore[arg-type] # each test gives its own
    (report,) = examination.report(browser).browsers
    return report


def _codes(report: BrowserReport) -> list[tuple[str, bool]]:
    return [(note.code, note.wrong) for note in report.notes]


def test_a_registered_browser_is_in_order_and_its_host_was_started(
    made: Machine, tmp_path: Path
) -> None:
    made.has("Chromium")
    _file(made, "Chromium").write_bytes(text_of("chromium", str(_host(tmp_path)), []))

    report = _look(made)

    assert [one.state for one in report.places] == ["used", "absent"]
    assert report.trial is not None
    assert (report.ok, report.notes, report.trial.version) == (True, (), __version__)


def test_the_users_manifest_comes_before_the_systems(made: Machine, tmp_path: Path) -> None:
    made.has("Chromium")
    for index, version in enumerate(("1.0", "2.0")):
        host = str(_host(tmp_path, version))
        _file(made, "Chromium", index).write_bytes(text_of("chromium", host, []))

    report = _look(made)

    assert [one.state for one in report.places] == ["used", "shadowed"]
    assert report.trial is not None
    assert report.trial.version == "1.0"


def test_a_bad_manifest_of_the_user_is_not_rescued_by_a_good_one_of_the_system(
    made: Machine, tmp_path: Path
) -> None:
    made.has("Chromium")
    _file(made, "Chromium").write_text("{}")
    _file(made, "Chromium", 1).write_bytes(text_of("chromium", str(_host(tmp_path)), []))

    report = _look(made)

    assert [one.state for one in report.places] == ["used", "shadowed"]
    assert ("host_not_registered", True) in _codes(report)
    assert report.trial is None


@pytest.mark.parametrize(
    "text", ["{", "{}", text_of("firefox", "relative", []).decode(), '{"name": "org.edged.host"}']
)
def test_firefox_goes_on_after_a_faulty_manifest(made: Machine, tmp_path: Path, text: str) -> None:
    made.has("Firefox")
    _file(made, "Firefox").write_text(text)
    _file(made, "Firefox", 2).write_bytes(text_of("firefox", str(_host(tmp_path)), []))

    report = _look(made, "firefox")

    assert [one.state for one in report.places] == ["broken", "absent", "used"]
    assert report.ok


def test_firefox_does_not_go_on_after_a_host_that_cannot_be_started(
    made: Machine, tmp_path: Path
) -> None:
    made.has("Firefox")
    _file(made, "Firefox").write_bytes(text_of("firefox", "/nowhere/host", []))
    _file(made, "Firefox", 2).write_bytes(text_of("firefox", str(_host(tmp_path)), []))

    report = _look(made, "firefox")

    assert [one.state for one in report.places] == ["used", "absent", "shadowed"]
    assert _codes(report) == [("host_not_registered", True)]


def test_what_is_wrong_with_firefoxs_only_manifest_is_told(made: Machine) -> None:
    made.has("Firefox")
    _file(made, "Firefox").write_text("{")

    report = _look(made, "firefox")

    assert [one.state for one in report.places] == ["broken", "absent", "absent"]
    assert not report.ok


def test_a_policy_may_make_only_the_systems_place_count(made: Machine, tmp_path: Path) -> None:
    made.has("Chromium")
    made.writes("/etc/chromium/policies/managed/x.json", '{"NativeMessagingUserLevelHosts": false}')
    _file(made, "Chromium").write_bytes(text_of("chromium", "/nowhere", []))
    _file(made, "Chromium", 1).write_bytes(text_of("chromium", str(_host(tmp_path)), []))

    report = _look(made)

    assert [one.state for one in report.places] == ["ignored", "used"]
    assert report.ok
    assert _codes(report) == [("host_not_registered", False)]


def test_a_manifest_that_a_policy_ignores_is_to_be_put_where_it_counts(made: Machine) -> None:
    made.has("Chromium")
    made.writes("/etc/chromium/policies/managed/x.json", '{"NativeMessagingUserLevelHosts": false}')
    _file(made, "Chromium").write_bytes(text_of("chromium", "/nowhere", []))

    report = _look(made)

    user, common = (one.place for one in report.places)
    assert not report.ok
    assert report.notes[-1].fix == f"sudo install -D -m 644 {user} {common}"


def test_a_policy_that_forbids_the_host_is_an_origin_denied(made: Machine, tmp_path: Path) -> None:
    made.has("Chromium")
    made.writes("/etc/chromium/policies/managed/x.json", '{"NativeMessagingBlocklist": ["*"]}')
    _file(made, "Chromium").write_bytes(text_of("chromium", str(_host(tmp_path)), []))

    report = _look(made, tries=False)

    assert _codes(report) == [("origin_denied", True)]
    assert "NativeMessagingAllowlist" in report.notes[0].fix


def test_a_host_of_another_version_is_told_of(made: Machine, tmp_path: Path) -> None:
    made.has("Chromium")
    _file(made, "Chromium").write_bytes(text_of("chromium", str(_host(tmp_path, "0.0.1")), []))

    report = _look(made)

    assert report.ok
    assert _codes(report) == [("version_skew", False)]


def test_nothing_registered_names_the_command_that_helps(made: Machine) -> None:
    made.has("Chromium")

    report = _look(made)

    assert _codes(report) == [("host_not_registered", True)]
    assert report.notes[0].fix == "edged browser install --browser chromium"


def test_another_extension_is_told_how_it_gets_in(made: Machine, tmp_path: Path) -> None:
    made.has("Chromium")
    _file(made, "Chromium").write_bytes(text_of("chromium", str(_host(tmp_path)), []))

    report = _look(made, extension_id=OTHER)

    assert _codes(report) == [("origin_denied", True)]
    assert report.notes[0].fix == f"edged browser install --extension-id {OTHER}"


def test_an_id_of_firefox_leaves_out_the_other_browsers(made: Machine) -> None:
    made.has("Chromium", "Firefox")

    report = Examination(made.system, extension_id="a@b.org", tries=False).report("all")

    assert [one.title for one in report.browsers] == ["Firefox"]


def test_what_is_no_id_is_refused(made: Machine) -> None:
    with pytest.raises(BadRequest):
        Examination(made.system, extension_id="*").report("all")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be reached"),
        ("#!/nowhere/python\n", "interpreter is not there: /nowhere/python"),
        ("#!/bin/sh\nexit 4\n", "ended with status 4"),
    ],
)
def test_a_host_that_cannot_answer_is_a_host_not_registered(
    made: Machine, tmp_path: Path, text: str | None, words: str
) -> None:
    made.has("Chromium")
    host = tmp_path / "absent" if text is None else program(tmp_path / "host", text)
    _file(made, "Chromium").write_bytes(text_of("chromium", str(host), []))

    report = _look(made)

    assert _codes(report) == [("host_not_registered", True)]
    assert words in report.notes[0].text


def test_the_same_host_is_started_once_for_browsers_of_one_kind(
    made: Machine, tmp_path: Path
) -> None:
    made.has("Chromium", "Vivaldi", "Firefox")
    host = _host(tmp_path)
    for title in ("Chromium", "Vivaldi", "Firefox"):
        _file(made, title).write_bytes(text_of(kind(title).family, str(host), []))

    report = Examination(made.system).report("all")

    started = Path(f"{host}.starts").read_text().splitlines()
    assert started == [f"chrome-extension://{CHROMIUM_ID}/", str(_file(made, "Firefox"))]
    assert report.ok
    assert all(one.trial is not None for one in report.browsers)


def test_a_link_is_read_as_the_browser_does_and_told_of(made: Machine, tmp_path: Path) -> None:
    made.has("Chromium")
    (tmp_path / "there.json").write_bytes(text_of("chromium", str(_host(tmp_path)), []))
    _file(made, "Chromium").symlink_to(tmp_path / "there.json")

    report = _look(made)

    assert _codes(report) == [("denied", False)]
    assert report.places[0].link
    assert report.ok


def test_a_link_that_leads_nowhere_is_a_fault(made: Machine, tmp_path: Path) -> None:
    made.has("Chromium")
    _file(made, "Chromium").symlink_to(tmp_path / "absent")

    assert ("host_not_registered", True) in _codes(_look(made))


@pytest.mark.parametrize(("browser", "wrong"), [("chromium", True), ("all", False)])
def test_a_snap_of_chromium_cannot_start_programs(
    made: Machine, browser: str, *, wrong: bool
) -> None:
    made.system.below("/snap/chromium").mkdir(parents=True)

    report = _look(made, browser)

    assert _codes(report) == [("sandboxed_browser", wrong)]
    assert (report.here, report.confined) == (False, ("snap",))


@pytest.mark.parametrize("proxy", [True, False])
def test_a_snap_of_firefox_goes_through_the_portal(
    made: Machine, tmp_path: Path, *, proxy: bool
) -> None:
    made.system.below("/snap/firefox").mkdir(parents=True)
    if proxy:
        made.writes("/usr/share/dbus-1/services/org.freedesktop.NativeMessagingProxy.service")
    _file(made, "Firefox").write_bytes(text_of("firefox", str(_host(tmp_path)), []))

    report = _look(made, "firefox")

    assert _codes(report) == [("sandboxed_browser", False)]
    assert ("proxy" in report.notes[0].text) is proxy
    assert "flatpak/db/webextensions" in report.notes[0].fix
    assert report.trial is not None


def test_a_browser_that_is_asked_for_and_not_here_is_wrong(made: Machine) -> None:
    report = Examination(made.system).report("vivaldi")

    assert not report.ok
    assert report.browsers[0].notes[0].text.startswith("it is not on this machine")


def test_without_a_browser_nothing_is_wrong(made: Machine) -> None:
    report = Examination(made.system).report("all")

    assert (report.ok, report.browsers) == (True, ())


def test_all_kinds_are_told_of_where_that_is_asked_for(made: Machine) -> None:
    report = Examination(made.system, all_kinds=True).report("all")

    assert len(report.browsers) > 15
    assert report.ok
    assert not any(one.here for one in report.browsers)


def test_a_folder_given_to_the_browser_is_looked_at_alone(made: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    manifest = folder / "NativeMessagingHosts/org.edged.host.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_bytes(text_of("chromium", str(_host(tmp_path)), []))

    report = _look(made, "all", user_data_dir=folder)

    assert (report.title, report.ok) == ("Chromium", True)
    assert report.places[0].place == str(manifest)


def test_a_browser_that_runs_with_a_folder_of_its_own_is_told_of(
    made: Machine, tmp_path: Path
) -> None:
    known = tmp_path / "known/NativeMessagingHosts/org.edged.host.json"
    known.parent.mkdir(parents=True)
    known.touch()
    made.writes("/proc/7/cmdline", f"chromium\0--user-data-dir={tmp_path / 'known'}\0")
    made.writes("/proc/8/cmdline", "chromium\0--user-data-dir=/elsewhere\0")

    assert Examination(made.system).report("all").data_dirs == ("/elsewhere",)


def test_on_windows_the_first_key_counts_even_when_it_leads_nowhere(tmp_path: Path) -> None:
    made = machine(tmp_path, "win32")
    made.has("Chrome")
    key = r"Software\Google\Chrome\NativeMessagingHosts\org.edged.host"
    good = tmp_path / "good.json"
    good.write_bytes(text_of("chromium", str(_host(tmp_path)), []))
    made.registry.write(rf"HKLM\{key}", str(good))
    before = _look(made, "chrome", tries=False)

    made.registry.write(rf"HKCU\{key}", str(tmp_path / "absent.json"))
    after = _look(made, "chrome", tries=False)

    assert [one.state for one in before.places] == ["absent", "absent", "used"]
    assert [one.state for one in after.places] == ["used", "absent", "shadowed"]
    assert after.notes[0].text == "the key leads to no file"
