"""Where each browser looks, on each system; golden tables of what was measured or is documented."""

from pathlib import Path

import pytest
from machines import kind, machine, program

from edged.bridge.browsers.kinds import CHOICES, KINDS, named
from edged.bridge.browsers.places import places, presence, profile
from edged.bridge.browsers.running import user_data_dirs
from edged.bridge.browsers.system import System

NAME = "org.edged.host.json"
CHROME_SYSTEM = f"/etc/opt/chrome/native-messaging-hosts/{NAME}"
LINUX = {
    "Chrome": (f".config/google-chrome/NativeMessagingHosts/{NAME}", CHROME_SYSTEM),
    "Chrome Beta": (f".config/google-chrome-beta/NativeMessagingHosts/{NAME}", CHROME_SYSTEM),
    "Chrome Dev": (f".config/google-chrome-unstable/NativeMessagingHosts/{NAME}", CHROME_SYSTEM),
    "Chrome for Testing": (
        f".config/google-chrome-for-testing/NativeMessagingHosts/{NAME}",
        f"/etc/opt/chrome_for_testing/native-messaging-hosts/{NAME}",
    ),
    "Chromium": (
        f".config/chromium/NativeMessagingHosts/{NAME}",
        f"/etc/chromium/native-messaging-hosts/{NAME}",
    ),
    "Edge": (
        f".config/microsoft-edge/NativeMessagingHosts/{NAME}",
        f"/etc/opt/edge/native-messaging-hosts/{NAME}",
        CHROME_SYSTEM,
    ),
    "Brave": (
        f".config/BraveSoftware/Brave-Browser/NativeMessagingHosts/{NAME}",
        CHROME_SYSTEM,
    ),
    "Vivaldi": (f".config/vivaldi/NativeMessagingHosts/{NAME}", CHROME_SYSTEM),
    "Opera": (f".config/google-chrome/NativeMessagingHosts/{NAME}", CHROME_SYSTEM),
    "Firefox": (
        f".mozilla/native-messaging-hosts/{NAME}",
        f"/usr/lib/mozilla/native-messaging-hosts/{NAME}",
        f"/usr/lib64/mozilla/native-messaging-hosts/{NAME}",
    ),
}
SUPPORT = "Library/Application Support"
MAC = {
    "Chrome": (
        f"{SUPPORT}/Google/Chrome/NativeMessagingHosts/{NAME}",
        f"/Library/Google/Chrome/NativeMessagingHosts/{NAME}",
    ),
    "Chrome for Testing": (
        f"{SUPPORT}/Google/ChromeForTesting/NativeMessagingHosts/{NAME}",
        f"/Library/Google/ChromeForTesting/NativeMessagingHosts/{NAME}",
    ),
    "Chromium": (
        f"{SUPPORT}/Chromium/NativeMessagingHosts/{NAME}",
        f"/{SUPPORT}/Chromium/NativeMessagingHosts/{NAME}",
    ),
    "Edge": (
        f"{SUPPORT}/Microsoft Edge/NativeMessagingHosts/{NAME}",
        f"/Library/Microsoft/Edge/NativeMessagingHosts/{NAME}",
        f"/Library/Google/Chrome/NativeMessagingHosts/{NAME}",
    ),
    "Brave": (
        f"{SUPPORT}/BraveSoftware/Brave-Browser/NativeMessagingHosts/{NAME}",
        f"/Library/Google/Chrome/NativeMessagingHosts/{NAME}",
    ),
    "Vivaldi": (
        f"{SUPPORT}/Vivaldi/NativeMessagingHosts/{NAME}",
        f"/Library/Google/Chrome/NativeMessagingHosts/{NAME}",
    ),
    "Opera": (
        f"{SUPPORT}/Google/Chrome/NativeMessagingHosts/{NAME}",
        f"/Library/Google/Chrome/NativeMessagingHosts/{NAME}",
    ),
    "Firefox": (
        f"{SUPPORT}/Mozilla/NativeMessagingHosts/{NAME}",
        f"/{SUPPORT}/Mozilla/NativeMessagingHosts/{NAME}",
    ),
}
HOST = r"NativeMessagingHosts\org.edged.host"
WINDOWS = {
    "Chrome": [r"Google\Chrome"],
    "Chromium": ["Chromium", r"Google\Chrome"],
    "Edge": [r"Microsoft\Edge", "Chromium", r"Google\Chrome"],
    "Brave": [r"BraveSoftware\Brave-Browser", "Chromium", r"Google\Chrome"],
    "Vivaldi": ["Vivaldi", "Chromium", r"Google\Chrome"],
    "Opera": ["Chromium", r"Google\Chrome"],
    "Firefox": ["Mozilla"],
}


@pytest.mark.parametrize("title", LINUX)
def test_every_browser_of_linux_looks_where_it_was_seen_to_look(tmp_path: Path, title: str) -> None:
    made = machine(tmp_path)

    found = [one.path for one in places(made.system, kind(title))]

    own, *common = LINUX[title]
    assert found == [str(made.system.home / own), *(str(made.system.below(one)) for one in common)]


@pytest.mark.parametrize("title", MAC)
def test_every_browser_of_macos_looks_where_its_page_says(tmp_path: Path, title: str) -> None:
    made = machine(tmp_path, "darwin")

    found = [one.path for one in places(made.system, kind(title))]

    own, *common = MAC[title]
    assert found == [str(made.system.home / own), *(str(made.system.below(one)) for one in common)]


@pytest.mark.parametrize("title", WINDOWS)
def test_every_browser_of_windows_asks_for_its_keys_before_those_of_others(
    tmp_path: Path, title: str
) -> None:
    made = machine(tmp_path, "win32")

    found = places(made.system, kind(title))

    roots = (r"HKCU\Software", r"HKLM\Software\WOW6432Node", r"HKLM\Software")
    assert [one.path for one in found] == [
        rf"{root}\{key}\{HOST}" for root in roots for key in WINDOWS[title]
    ]
    assert {one.kind for one in found} == {"key"}
    assert [one.scope for one in found][: len(WINDOWS[title])] == ["user"] * len(WINDOWS[title])


def test_every_browser_that_can_be_named_has_a_place_on_every_system(tmp_path: Path) -> None:
    for platform in ("linux", "darwin", "win32"):
        (tmp_path / platform).mkdir()
        system = machine(tmp_path / platform, platform).system
        assert all(places(system, one) for one in KINDS)

    assert set(CHOICES) == {"chrome", "chromium", "edge", "brave", "vivaldi", "opera", "firefox"}
    assert named("all") == KINDS


@pytest.mark.parametrize("variable", ["XDG_CONFIG_HOME", "CHROME_CONFIG_HOME"])
def test_a_moved_configuration_moves_the_places(tmp_path: Path, variable: str) -> None:
    made = machine(tmp_path, environ={variable: str(tmp_path / "elsewhere")})

    found = places(made.system, kind("Chromium"))[0].path

    assert found == str(tmp_path / "elsewhere/chromium/NativeMessagingHosts" / NAME)


def test_a_relative_base_folder_is_not_taken(tmp_path: Path) -> None:
    made = machine(tmp_path, environ={"XDG_CONFIG_HOME": "relative"})

    assert places(made.system, kind("Chromium"))[0].path.startswith(str(made.system.home))


@pytest.mark.parametrize(
    ("title", "follows"),
    [
        ("Chrome", True),
        ("Chromium", True),
        ("Edge", True),
        ("Vivaldi", True),
        ("Brave", False),
        ("Opera", False),
        ("Firefox", False),
    ],
)
def test_a_folder_given_to_the_browser_counts_where_it_looks_there(
    tmp_path: Path, title: str, *, follows: bool
) -> None:
    made = machine(tmp_path)
    given = tmp_path / "data"

    found = places(made.system, kind(title), given)[0].path

    assert (found == str(given / "NativeMessagingHosts" / NAME)) is follows


def test_a_browser_is_here_when_it_was_started_once(tmp_path: Path) -> None:
    made = machine(tmp_path)
    before = presence(made.system, kind("Vivaldi")).plain

    made.has("Vivaldi")

    assert (before, presence(made.system, kind("Vivaldi")).plain) == (False, True)


def test_a_browser_is_here_when_its_program_is(tmp_path: Path) -> None:
    made = machine(tmp_path)
    program(made.system.below("/usr/bin/firefox-esr"))

    here = [one.title for one in KINDS if presence(made.system, one).plain]

    assert here == ["Firefox"]


def test_a_folder_that_only_holds_hosts_is_no_browser(tmp_path: Path) -> None:
    made = machine(tmp_path)
    folder = profile(made.system, kind("Chrome"))
    assert folder is not None

    (folder / "NativeMessagingHosts").mkdir(parents=True)

    assert not presence(made.system, kind("Chrome")).plain


def test_firefox_is_here_by_its_newer_folder_too(tmp_path: Path) -> None:
    made = machine(tmp_path)
    (made.system.home / ".config/mozilla/firefox").mkdir(parents=True)

    assert presence(made.system, kind("Firefox")).plain


@pytest.mark.parametrize(
    "text", ["#!/bin/sh\nexec /snap/bin/chromium\n", "#!/bin/sh\nif x; then /snap/bin/chromium; fi"]
)
def test_a_script_that_leads_to_a_snap_is_not_the_browser_itself(tmp_path: Path, text: str) -> None:
    made = machine(tmp_path)
    program(made.system.below("/usr/bin/chromium-browser"), text)
    made.system.below("/snap/chromium").mkdir(parents=True)

    found = presence(made.system, kind("Chromium"))

    assert (found.plain, found.confined) == (False, ("snap",))


@pytest.mark.parametrize("where", ["home", "system"])
def test_a_flatpak_is_found_for_one_user_and_for_all(tmp_path: Path, where: str) -> None:
    made = machine(tmp_path)
    root = (
        made.system.home / ".local/share/flatpak"
        if where == "home"
        else made.system.below("/var/lib/flatpak")
    )
    (root / "app/org.mozilla.firefox").mkdir(parents=True)

    found = presence(made.system, kind("Firefox"))

    assert (found.plain, found.confined) == (False, ("flatpak",))


def test_a_running_browser_says_which_folder_it_was_given(tmp_path: Path) -> None:
    made = machine(tmp_path)
    made.writes("/proc/10/cmdline", "/usr/lib/chromium/chromium --user-data-dir=/tmp/a --headless")
    made.writes("/proc/11/cmdline", "chrome\0--user-data-dir=/tmp/b\0--x\0")
    made.writes("/proc/12/cmdline", "chrome\0--user-data-dir=\0")
    made.writes("/proc/self/cmdline", "chrome\0--user-data-dir=/tmp/c\0")

    assert user_data_dirs(made.system) == (Path("/tmp/a"), Path("/tmp/b"))


def test_this_machine_is_looked_at_as_what_it_is() -> None:
    system = System.here()

    assert system.home == Path.home()
    assert places(system, kind("Firefox"))[0].path == str(
        Path.home() / ".mozilla/native-messaging-hosts" / NAME
    )
