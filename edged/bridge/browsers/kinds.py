r"""The browsers that are known: where each looks for native-messaging hosts, and for its policies.

Source: Chromium's chrome_paths.cc and launch_context_win.cc; the browsers' pages on native messaging (Chrome, Edge,
Firefox, Opera). Measured: with strace, Chromium 156 and Firefox ESR 153.7 on Debian, 2026-11. macOS and Windows: not run by us.
"""

from dataclasses import dataclass
from typing import Final, Literal

Family = Literal["chromium", "firefox"]

_CHROME_LINUX: Final = "/etc/opt/chrome/native-messaging-hosts"
_CHROME_MAC: Final = "/Library/Google/Chrome/NativeMessagingHosts"
_MOZILLA_LINUX: Final = (
    "/usr/lib/mozilla/native-messaging-hosts",
    "/usr/lib64/mozilla/native-messaging-hosts",
)


@dataclass(frozen=True, kw_only=True)
class Kind:
    r"""One browser, or one channel of it.

    name: what --browser takes. programs: their names on the PATH (Linux).
    linux: its folder below ~/.config (Firefox: below the home), mac: below Application Support,
    windows: below %LOCALAPPDATA% or %APPDATA%. They also say whether the browser is here.
    hosts_linux, hosts_mac: looks into the folder of another browser than its own.
    system_linux, system_mac: folders for all users, in order. keys: below `Software\`, in order.
    policies: folder (Linux), domain (macOS) and key below `Software\Policies\` (Windows).
    snap, flatpak: its names in these. follows_data_dir: looks in what --user-data-dir names.
    """

    name: str
    title: str
    family: Family = "chromium"
    programs: tuple[str, ...] = ()
    linux: str = ""
    mac: str = ""
    windows: str = ""
    hosts_linux: str = ""
    hosts_mac: str = ""
    system_linux: tuple[str, ...] = (_CHROME_LINUX,)
    system_mac: tuple[str, ...] = (_CHROME_MAC,)
    keys: tuple[str, ...] = (r"Google\Chrome",)
    policies: tuple[str, str, str] = ("", "", "")
    snap: str = ""
    flatpak: str = ""
    follows_data_dir: bool = True


_CHROME_POLICIES: Final = ("/etc/opt/chrome/policies", "com.google.Chrome", r"Google\Chrome")
_EDGE_POLICIES: Final = ("/etc/opt/edge/policies", "com.microsoft.Edge", r"Microsoft\Edge")
_BRAVE_POLICIES: Final = ("/etc/brave/policies", "com.brave.Browser", r"BraveSoftware\Brave")
_EDGE_SYSTEM: Final = ("/etc/opt/edge/native-messaging-hosts", _CHROME_LINUX)
_EDGE_SYSTEM_MAC: Final = ("/Library/Microsoft/Edge/NativeMessagingHosts", _CHROME_MAC)
_EDGE_KEYS: Final = (r"Microsoft\Edge", "Chromium", r"Google\Chrome")
_BRAVE_KEYS: Final = (r"BraveSoftware\Brave-Browser", "Chromium", r"Google\Chrome")


def _chrome(title: str, program: str, mac: str, windows: str, linux: str = "") -> Kind:
    """A channel of Chrome; they differ in their folders only."""
    return Kind(
        name="chrome",
        title=title,
        programs=(program,),
        linux=linux or program,
        mac=f"Google/{mac}",
        windows=rf"Google\{windows}\User Data",
        policies=_CHROME_POLICIES,
        flatpak="com.google.Chrome" if title == "Chrome" else "",
    )


def _edge(title: str, program: str, channel: str = "") -> Kind:
    return Kind(
        name="edge",
        title=title,
        programs=(program,),
        linux=program.removesuffix("-stable"),
        mac=f"Microsoft Edge{channel}",
        windows=rf"Microsoft\Edge{channel}\User Data",
        system_linux=_EDGE_SYSTEM,
        system_mac=_EDGE_SYSTEM_MAC,
        keys=_EDGE_KEYS,
        policies=_EDGE_POLICIES,
        flatpak="com.microsoft.Edge" if not channel else "",
    )


def _brave(title: str, program: str, channel: str = "") -> Kind:
    """A channel of Brave, which looks into its usual folder whatever --user-data-dir says."""
    return Kind(
        name="brave",
        title=title,
        programs=(program,) if channel else ("brave-browser", "brave"),
        linux=f"BraveSoftware/Brave-Browser{channel}",
        mac=f"BraveSoftware/Brave-Browser{channel}",
        windows=rf"BraveSoftware\Brave-Browser{channel}\User Data",
        keys=_BRAVE_KEYS,
        policies=_BRAVE_POLICIES,
        snap="" if channel else "brave",
        flatpak="" if channel else "com.brave.Browser",
        follows_data_dir=False,
    )


def _opera(title: str, program: str, mac: str, windows: str) -> Kind:
    """A channel of Opera, all of which look into Chrome's folder."""
    return Kind(
        name="opera",
        title=title,
        programs=(program,),
        linux=program,
        mac=mac,
        windows=rf"Opera Software\{windows}",
        hosts_linux="google-chrome",
        hosts_mac="Google/Chrome",
        keys=("Chromium", r"Google\Chrome"),
        snap="opera" if program == "opera" else "",
        flatpak="com.opera.Opera" if program == "opera" else "",
        follows_data_dir=False,
    )


KINDS: Final[tuple[Kind, ...]] = (
    _chrome("Chrome", "google-chrome", "Chrome", "Chrome"),
    _chrome("Chrome Beta", "google-chrome-beta", "Chrome Beta", "Chrome Beta"),
    _chrome("Chrome Dev", "google-chrome-unstable", "Chrome Dev", "Chrome Dev"),
    _chrome("Chrome Canary", "google-chrome-canary", "Chrome Canary", "Chrome SxS"),
    Kind(
        name="chrome",
        title="Chrome for Testing",
        linux="google-chrome-for-testing",
        mac="Google/ChromeForTesting",
        windows=r"Google\Chrome for Testing\User Data",
        system_linux=("/etc/opt/chrome_for_testing/native-messaging-hosts",),
        system_mac=("/Library/Google/ChromeForTesting/NativeMessagingHosts",),
        policies=("/etc/opt/chrome_for_testing/policies", "com.google.chrome.for.testing", ""),
    ),
    Kind(
        name="chromium",
        title="Chromium",
        programs=("chromium", "chromium-browser"),
        linux="chromium",
        mac="Chromium",
        windows=r"Chromium\User Data",
        system_linux=("/etc/chromium/native-messaging-hosts",),
        system_mac=("/Library/Application Support/Chromium/NativeMessagingHosts",),
        keys=("Chromium", r"Google\Chrome"),
        policies=("/etc/chromium/policies", "org.chromium.Chromium", "Chromium"),
        snap="chromium",
        flatpak="org.chromium.Chromium",
    ),
    _edge("Edge", "microsoft-edge"),
    _edge("Edge Beta", "microsoft-edge-beta", " Beta"),
    _edge("Edge Dev", "microsoft-edge-dev", " Dev"),
    _brave("Brave", "brave-browser"),
    _brave("Brave Beta", "brave-browser-beta", "-Beta"),
    _brave("Brave Nightly", "brave-browser-nightly", "-Nightly"),
    Kind(
        name="vivaldi",
        title="Vivaldi",
        programs=("vivaldi", "vivaldi-stable"),
        linux="vivaldi",
        mac="Vivaldi",
        windows=r"Vivaldi\User Data",
        keys=("Vivaldi", "Chromium", r"Google\Chrome"),
        policies=("/etc/vivaldi/policies", "com.vivaldi.Vivaldi", "Vivaldi"),
        snap="vivaldi",
        flatpak="com.vivaldi.Vivaldi",
    ),
    Kind(
        name="vivaldi",
        title="Vivaldi Snapshot",
        programs=("vivaldi-snapshot",),
        linux="vivaldi-snapshot",
        mac="Vivaldi Snapshot",
        keys=("Vivaldi", "Chromium", r"Google\Chrome"),
    ),
    _opera("Opera", "opera", "com.operasoftware.Opera", "Opera Stable"),
    _opera("Opera Beta", "opera-beta", "com.operasoftware.OperaNext", "Opera Next"),
    _opera(
        "Opera Developer", "opera-developer", "com.operasoftware.OperaDeveloper", "Opera Developer"
    ),
    Kind(
        name="firefox",
        title="Firefox",
        family="firefox",
        programs=("firefox", "firefox-esr"),
        linux=".mozilla",
        mac="Mozilla",
        windows=r"Mozilla\Firefox",
        system_linux=_MOZILLA_LINUX,
        system_mac=("/Library/Application Support/Mozilla/NativeMessagingHosts",),
        keys=("Mozilla",),
        snap="firefox",
        flatpak="org.mozilla.firefox",
        follows_data_dir=False,
    ),
)
"""Every one, in the order in which they are shown."""

CHOICES: Final = tuple(dict.fromkeys(kind.name for kind in KINDS))
"""What --browser takes, beside `all`."""


def named(name: str) -> tuple[Kind, ...]:
    """The browser of that name with its channels; `all`: every one."""
    return tuple(kind for kind in KINDS if name in ("all", kind.name))
