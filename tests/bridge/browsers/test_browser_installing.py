"""Install and uninstall on made-up machines: only where a browser is, whole, and exactly back."""

import asyncio
import json
import os
import stat
from pathlib import Path

import pytest
from machines import Machine, kind, machine, program

from edged.bridge.browsers import ledger
from edged.bridge.browsers.identity import CHROMIUM_ID, FIREFOX_ID
from edged.bridge.browsers.installing import Outcome, Registration
from edged.bridge.browsers.places import places
from edged.bridge.browsers.renewing import renew
from edged.config import find_paths
from edged.errors import BadRequest, NotFound, SandboxedBrowser

OTHER = "abcdefghijklmnopabcdefghijklmnop"
NAME = "org.edged.host.json"
CHROMIUM = f".config/chromium/NativeMessagingHosts/{NAME}"
FIREFOX = f".mozilla/native-messaging-hosts/{NAME}"
ALL = ("Chrome", "Chrome Beta", "Chromium", "Edge", "Brave", "Vivaldi", "Opera", "Firefox")


@pytest.fixture
def made(tmp_path: Path) -> Machine:
    return machine(tmp_path)


def _file(made: Machine, title: str) -> Path:
    return Path(places(made.system, kind(title))[0].path)


def _said(path: Path) -> dict[str, object]:
    said = json.loads(path.read_bytes())
    assert isinstance(said, dict)
    return said


def _did(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(one.title, one.did) for one in outcomes]


def test_manifests_are_written_only_where_a_browser_is(made: Machine) -> None:
    made.has("Chromium", "Firefox")

    outcomes = made.registration.install("all")

    assert _did(outcomes) == [("Chromium", "written"), ("Firefox", "written")]
    assert made.files() == {CHROMIUM, FIREFOX}


def test_without_any_browser_nothing_at_all_is_written(made: Machine) -> None:
    outcomes = made.registration.install("all")

    assert outcomes == []
    assert not made.paths.state.exists()


@pytest.mark.parametrize("title", ALL)
def test_each_browser_gets_its_manifest_and_loses_it_again(made: Machine, title: str) -> None:
    made.has(title)
    name = kind(title).name

    (written,) = made.registration.install(name)
    said = _said(Path(written.place))
    (removed,) = made.registration.uninstall(name)

    assert said["path"] == str(made.registration.launcher)
    assert (written.did, removed.did) == ("written", "removed")
    assert made.files() == set()
    assert list(made.paths.state.iterdir()) == []


def test_a_manifest_is_for_all_to_read_whatever_the_umask_is(made: Machine) -> None:
    made.has("Chromium")
    before = os.umask(0o077)
    try:
        made.registration.install("all")
    finally:
        os.umask(before)

    modes = [
        stat.S_IMODE(path.stat().st_mode)
        for path in (_file(made, "Chromium"), made.registration.launcher)
    ]
    assert modes == [0o644, 0o700]


def test_installing_twice_changes_nothing(made: Machine) -> None:
    made.has("Chromium", "Firefox")
    made.registration.install("all")
    stamps = [_file(made, title).stat().st_ino for title in ("Chromium", "Firefox")]

    outcomes = made.registration.install("all")

    assert {one.did for one in outcomes} == {"unchanged"}
    assert [_file(made, title).stat().st_ino for title in ("Chromium", "Firefox")] == stamps


def test_further_extensions_are_named_where_their_ids_are_understood(made: Machine) -> None:
    made.has("Chromium", "Firefox")

    made.registration.install("all", [OTHER, "probe@example.org"])

    assert _said(_file(made, "Chromium"))["allowed_origins"] == [
        f"chrome-extension://{CHROMIUM_ID}/",
        f"chrome-extension://{OTHER}/",
    ]
    assert _said(_file(made, "Firefox"))["allowed_extensions"] == [FIREFOX_ID, "probe@example.org"]


def test_ids_that_were_there_stay(made: Machine) -> None:
    made.has("Chromium")
    made.registration.install("all", [OTHER])

    (outcome,) = made.registration.install("chromium")

    assert outcome.did == "unchanged"
    assert f"chrome-extension://{OTHER}/" in str(_said(_file(made, "Chromium")))


def test_a_wildcard_is_refused_before_anything_is_written(made: Machine) -> None:
    made.has("Chromium")

    with pytest.raises(BadRequest):
        made.registration.install("all", ["*"])

    assert made.files() == set()


def test_a_browser_that_is_asked_for_has_to_be_here(made: Machine) -> None:
    with pytest.raises(NotFound):
        made.registration.install("vivaldi")


def test_a_browser_that_is_shut_in_says_so(made: Machine) -> None:
    made.system.below("/snap/chromium").mkdir(parents=True)

    with pytest.raises(SandboxedBrowser):
        made.registration.install("chromium")
    outcomes = made.registration.install("all")

    assert outcomes == []
    assert made.files() == set()


def test_firefox_behind_a_portal_is_registered_where_the_portal_looks(made: Machine) -> None:
    made.system.below("/snap/firefox").mkdir(parents=True)

    outcomes = made.registration.install("firefox")

    assert _did(outcomes) == [("Firefox", "written")]
    assert made.files() == {FIREFOX}


def test_a_folder_given_to_the_browser_gets_the_manifest(made: Machine, tmp_path: Path) -> None:
    registration = Registration(made.system, made.paths, tmp_path / "data")

    (outcome,) = registration.install("all")

    assert outcome.place == str(tmp_path / "data/NativeMessagingHosts" / NAME)
    assert _said(Path(outcome.place))["path"] == str(registration.launcher)


def test_a_folder_is_no_use_to_a_browser_that_does_not_look_there(
    made: Machine, tmp_path: Path
) -> None:
    with pytest.raises(BadRequest, match="user-data-dir"):
        Registration(made.system, made.paths, tmp_path / "data").install("firefox")


def test_uninstalling_within_a_folder_leaves_the_others(made: Machine, tmp_path: Path) -> None:
    made.has("Chromium")
    made.registration.install("all")
    within = Registration(made.system, made.paths, tmp_path / "data")
    within.install("all")

    removed = within.uninstall("all")

    assert [one.place for one in removed] == [str(tmp_path / "data/NativeMessagingHosts" / NAME)]
    assert made.files() == {CHROMIUM}
    assert made.registration.launcher.exists()


def test_two_browsers_that_share_a_place_are_both_asked_before_it_goes(made: Machine) -> None:
    made.has("Chrome", "Opera")
    made.registration.install("all")

    kept = made.registration.uninstall("opera")
    there = _file(made, "Chrome").exists()
    gone = made.registration.uninstall("chrome")

    assert ([one.did for one in kept], there) == (["kept"], True)
    assert ([one.did for one in gone], made.files()) == (["removed"], set())


def test_only_folders_that_we_made_are_removed(made: Machine) -> None:
    made.has("Chromium", "Firefox")
    _file(made, "Chromium").parent.mkdir()
    made.registration.install("all")

    made.registration.uninstall("all")

    assert _file(made, "Chromium").parent.is_dir()
    assert not _file(made, "Firefox").parent.exists()


def test_somebody_elses_host_in_the_folder_stays(made: Machine) -> None:
    made.has("Chromium")
    made.registration.install("all")
    neighbour = _file(made, "Chromium").with_name("org.other.json")
    neighbour.write_text("{}")

    made.registration.uninstall("all")

    assert neighbour.read_text() == "{}"


def test_a_link_in_the_manifests_place_is_neither_followed_nor_replaced(
    made: Machine, tmp_path: Path
) -> None:
    made.has("Chromium", "Firefox")
    target = tmp_path / "precious"
    target.write_text("precious")
    _file(made, "Chromium").parent.mkdir()
    _file(made, "Chromium").symlink_to(target)

    outcomes = made.registration.install("all")

    assert _did(outcomes) == [("Chromium", "refused"), ("Firefox", "written")]
    assert outcomes[0].code == "denied"
    assert target.read_text() == "precious"
    assert _file(made, "Chromium").is_symlink()


def test_a_link_put_in_its_place_later_is_not_removed_nor_renewed(
    made: Machine, tmp_path: Path
) -> None:
    made.has("Chromium")
    made.registration.install("all")
    target = tmp_path / "copy.json"
    _file(made, "Chromium").rename(target)
    _file(made, "Chromium").symlink_to(target)
    before = target.read_bytes()

    renewed = made.registration.refresh()
    outcomes = made.registration.uninstall("all")

    assert renewed == 0
    assert _did(outcomes) == [("chromium", "refused")]
    assert target.read_bytes() == before
    assert _file(made, "Chromium").is_symlink()


def test_a_link_that_leads_nowhere_makes_no_file_there(made: Machine, tmp_path: Path) -> None:
    made.has("Chromium")
    _file(made, "Chromium").parent.mkdir()
    _file(made, "Chromium").symlink_to(tmp_path / "absent")

    (outcome,) = made.registration.install("all")

    assert outcome.did == "refused"
    assert not (tmp_path / "absent").exists()


def test_a_launcher_that_is_a_link_is_refused(made: Machine, tmp_path: Path) -> None:
    from edged.errors import Denied

    made.has("Chromium")
    made.paths.state.mkdir(parents=True)
    (tmp_path / "precious").write_text("precious")
    made.registration.launcher.symlink_to(tmp_path / "precious")

    with pytest.raises(Denied):
        made.registration.install("all")

    assert (tmp_path / "precious").read_text() == "precious"


def test_a_folder_that_everybody_may_write_into_is_refused(made: Machine) -> None:
    made.has("Chromium")
    _file(made, "Chromium").parent.mkdir()
    _file(made, "Chromium").parent.chmod(0o777)

    (outcome,) = made.registration.install("all")

    assert (outcome.did, outcome.text) == ("refused", "everybody may write into the folder")
    assert made.files() == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_another_users_folder_is_refused(made: Machine) -> None:
    made.has("Chromium")
    _file(made, "Chromium").parent.mkdir()
    os.chown(_file(made, "Chromium").parent, 12345, 12345)

    (outcome,) = made.registration.install("all")

    assert (outcome.did, outcome.text) == ("refused", "the folder belongs to another user")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_root_makes_no_folder_in_another_users_home(made: Machine) -> None:
    made.has("Chromium")
    os.chown(made.system.home / ".config/chromium", 12345, 12345)

    (outcome,) = made.registration.install("all")

    assert (outcome.did, outcome.code) == ("refused", "denied")
    assert not _file(made, "Chromium").parent.exists()


def test_a_folder_in_the_manifests_place_is_refused(made: Machine) -> None:
    made.has("Chromium")
    _file(made, "Chromium").mkdir(parents=True)

    (outcome,) = made.registration.install("all")

    assert outcome.did == "refused"


def test_a_file_that_is_no_manifest_is_left_alone(made: Machine) -> None:
    made.has("Chromium")
    _file(made, "Chromium").parent.mkdir()
    _file(made, "Chromium").write_text("not json")

    (outcome,) = made.registration.install("all")

    assert outcome.did == "refused"
    assert _file(made, "Chromium").read_text() == "not json"


def test_a_file_that_is_far_too_long_is_not_even_read(made: Machine) -> None:
    made.has("Chromium")
    _file(made, "Chromium").parent.mkdir()
    with _file(made, "Chromium").open("wb") as file:
        file.truncate(10**12)

    (outcome,) = made.registration.install("all")

    assert (outcome.did, outcome.text) == ("refused", "a file is there that is too long to be ours")


def test_a_file_in_the_folders_place_is_refused(made: Machine) -> None:
    made.has("Chromium")
    _file(made, "Chromium").parent.write_text("no folder")

    (outcome,) = made.registration.install("all")

    assert (outcome.did, outcome.code) == ("refused", "denied")


def test_our_own_file_that_was_damaged_is_written_anew(made: Machine) -> None:
    made.has("Chromium")
    made.registration.install("all")
    _file(made, "Chromium").write_text('{"name"')

    (outcome,) = made.registration.install("all")

    assert outcome.did == "written"
    assert _said(_file(made, "Chromium"))["name"] == "org.edged.host"


def test_a_half_written_file_never_has_the_manifests_name(
    made: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.has("Chromium")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    from edged.errors import Denied

    with pytest.raises(Denied, match="No space left"):
        made.registration.install("all")

    assert made.files() == set()
    assert list(made.paths.state.iterdir()) == []


def test_another_homes_manifest_is_replaced_by_install_and_by_nothing_else(
    made: Machine, tmp_path: Path
) -> None:
    made.has("Chromium")
    other = Registration(made.system, find_paths({"EDGED_HOME": str(tmp_path / "other")}))
    made.registration.install("all")
    (taken,) = other.install("all")
    text = _file(made, "Chromium").read_bytes()

    renewed = made.registration.refresh()
    (refused,) = made.registration.uninstall("all")

    assert (taken.did, taken.text) == ("written", "in place of another home's")
    assert (renewed, refused.did) == (0, "refused")
    assert _file(made, "Chromium").read_bytes() == text
    assert not made.registration.launcher.exists()


def test_after_a_move_of_the_home_its_manifests_lead_to_the_new_place(
    made: Machine, tmp_path: Path
) -> None:
    made.has("Chromium", "Firefox")
    made.registration.install("all", [OTHER])
    (tmp_path / "edged").rename(tmp_path / "moved")
    moved = Registration(made.system, find_paths({"EDGED_HOME": str(tmp_path / "moved")}))

    renewed = moved.refresh()

    assert renewed == 2
    assert _said(_file(made, "Firefox"))["path"] == str(moved.launcher)
    assert f"chrome-extension://{OTHER}/" in str(_said(_file(made, "Chromium")))


def test_after_an_upgrade_the_launcher_leads_to_the_new_python(
    made: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.has("Chromium")
    made.registration.install("all")
    monkeypatch.setattr("sys.executable", "/opt/new/bin/python3")

    renewed = made.registration.refresh()

    assert renewed == 1
    assert "/opt/new/bin/python3" in made.registration.launcher.read_text()


def test_a_start_of_the_daemon_makes_nothing_that_was_not_there(made: Machine) -> None:
    made.has("Chromium", "Firefox")
    nothing = made.registration.refresh()
    made.registration.install("chromium")
    _file(made, "Chromium").unlink()

    renewed = made.registration.refresh()

    assert (nothing, renewed) == (0, 0)
    assert made.files() == set()


def test_what_was_written_is_found_when_the_ledger_is_lost(made: Machine) -> None:
    made.has("Chromium")
    made.registration.install("all")
    ledger.ledger_path(made.paths).unlink()

    outcomes = made.registration.uninstall("all")

    assert _did(outcomes) == [("Chromium", "removed")]
    assert made.files() == set()


def test_a_damaged_ledger_is_as_good_as_none(made: Machine) -> None:
    made.has("Chromium")
    made.registration.install("all")
    ledger.ledger_path(made.paths).write_text("[")

    assert ledger.read(made.paths) == {}
    assert _did(made.registration.install("all")) == [("Chromium", "unchanged")]


def test_uninstalling_where_nothing_was_installed_does_nothing(made: Machine) -> None:
    made.has("Chromium")
    _file(made, "Chromium").parent.mkdir()
    foreign = '{"name": "org.edged.host", "path": "/usr/bin/edged-native-host"}'
    _file(made, "Chromium").write_text(foreign)

    assert made.registration.uninstall("all") == []
    assert _file(made, "Chromium").read_text() == foreign


def test_on_windows_keys_lead_to_one_file_for_each_family(tmp_path: Path) -> None:
    made = machine(tmp_path, "win32")
    made.has("Chrome", "Brave", "Firefox")

    outcomes = made.registration.install("all")

    file = str(made.paths.state / "browsers/chromium" / NAME)
    key = r"HKCU\Software\%s\NativeMessagingHosts\org.edged.host"
    assert made.registry.values == {
        (key % r"Google\Chrome", ""): file,
        (key % r"BraveSoftware\Brave-Browser", ""): file,
        (key % "Chromium", ""): file,
        (key % "Mozilla", ""): str(made.paths.state / "browsers/firefox" / NAME),
    }
    assert {one.did for one in outcomes} <= {"written", "unchanged"}
    assert made.registration.launcher.name == "native-host.bat"


def test_on_windows_exactly_our_keys_are_removed(tmp_path: Path) -> None:
    made = machine(tmp_path, "win32")
    made.has("Brave")
    made.registration.install("all")
    changed = r"HKCU\Software\Chromium\NativeMessagingHosts\org.edged.host"
    made.registry.write(changed, r"C:\other\org.edged.host.json")
    made.registry.write(r"HKCU\Software\Google\Chrome\NativeMessagingHosts\org.other", "x")

    made.registration.uninstall("all")

    assert sorted(made.registry.values.values(), key=str) == [r"C:\other\org.edged.host.json", "x"]
    assert not made.registration.launcher.exists()
    assert not (made.paths.state / "browsers/chromium" / NAME).exists()


def test_on_macos_the_folder_has_a_blank_in_its_name(tmp_path: Path) -> None:
    made = machine(tmp_path, "darwin")
    made.has("Edge", "Firefox")

    made.registration.install("all")

    support = "Library/Application Support"
    assert made.files() == {
        f"{support}/Microsoft Edge/NativeMessagingHosts/{NAME}",
        f"{support}/Mozilla/NativeMessagingHosts/{NAME}",
    }


def test_a_browser_that_was_never_started_is_registered_by_its_program(made: Machine) -> None:
    program(made.system.below("/usr/bin/chromium"))

    made.registration.install("chromium")

    assert made.files() == {CHROMIUM}
    assert stat.S_IMODE((made.system.home / ".config/chromium").stat().st_mode) == 0o700


def test_a_daemon_starts_although_a_browser_cannot_be_told(
    made: Machine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made.has("Chromium")
    made.registration.install("all")
    made.registration.launcher.unlink()
    made.registration.launcher.symlink_to(tmp_path / "elsewhere")

    asyncio.run(renew(made.paths))

    assert "browsers were not told anew" in caplog.text
    assert not (tmp_path / "elsewhere").exists()


def test_without_a_ledger_a_daemon_writes_nothing(made: Machine) -> None:
    asyncio.run(renew(made.paths))

    assert not made.paths.state.exists()
