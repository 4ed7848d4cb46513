"""What the doctor says of a manifest is what real browsers do with it. Needs no daemon and no build."""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bidi
import cdp
import pytest

from edged.bridge.browsers.examining import Examination
from edged.bridge.browsers.identity import HOST_NAME
from edged.bridge.browsers.kinds import Family
from edged.bridge.browsers.manifests import LIST_OF, text_of
from edged.bridge.browsers.system import System

pytestmark = pytest.mark.timeout(60)

FIREFOX_PROBE = "doctor-probe@edged.org"
FIREFOX_UUID = "8d5d5a1e-3e7e-4c5f-9c55-222222222222"
READY = """#!{python} -S
import struct, sys
text = b'{{"host": {{"type": "ready", "version": "1"}}}}'
sys.stdout.buffer.write(struct.pack("=I", len(text)) + text)
sys.stdout.flush()
sys.stdin.read()
"""
CONNECT = """new Promise((tell) => {
  const port = chrome.runtime.connectNative("org.edged.host");
  port.onMessage.addListener((said) => { tell(said.host.type); port.disconnect(); });
  port.onDisconnect.addListener(() => {
    tell((port.error ?? chrome.runtime.lastError)?.message ?? "");
  });
})"""

NOT_FOUND = "Specified native messaging host not found."
FORBIDDEN = "Access to the specified native messaging host is forbidden."
UNKNOWN = f"No such native application {HOST_NAME}"
Change = Callable[[dict[str, Any]], None]


def _named(said: dict[str, Any]) -> None:
    """As it should be."""


def _unnamed(said: dict[str, Any]) -> None:
    _listed(said).pop()


def _spoilt(said: dict[str, Any]) -> None:
    _listed(said).append("chrome-extension://*/")


def _relative(said: dict[str, Any]) -> None:
    said["path"] = "host"


def _undescribed(said: dict[str, Any]) -> None:
    del said["description"]


def _gone(said: dict[str, Any]) -> None:
    said["path"] += "-gone"


def _listed(said: dict[str, Any]) -> list[str]:
    found: list[str] = next(said[name] for name in LIST_OF.values() if name in said)
    return found


class Desk:
    """A home with a host and an extension that connects to it."""

    def __init__(self, folder: Path, family: Family) -> None:
        self.home = folder
        self.family = family
        self.host = folder / "host"
        self.host.write_text(READY.format(python=sys.executable))
        self.host.chmod(0o700)
        self.extension = folder / "extension"
        self.extension.mkdir()
        (self.extension / "page.html").write_text("<!doctype html><title>probe</title>")

    def describes(self, **facts: Any) -> None:
        """The extension's manifest."""
        common = {"manifest_version": 3, "name": "probe", "version": "1"}
        said = {**common, "permissions": ["nativeMessaging"], **facts}
        (self.extension / "manifest.json").write_text(json.dumps(said))

    def registers(self, place: Path, extension_id: str, change: Change | None) -> None:
        """Write the host's manifest with one fault; None: no manifest."""
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        if change is not None:
            said = json.loads(text_of(self.family, str(self.host), [extension_id]))
            change(said)
            place.write_text(json.dumps(said))

    def doctor(self, extension_id: str, user_data_dir: Path | None) -> list[str]:
        """The codes of what is wrong, each once."""
        system = System("linux", self.home)
        look = Examination(system, extension_id=extension_id, user_data_dir=user_data_dir)
        (report,) = look.report(self.family).browsers
        return list(dict.fromkeys(note.code for note in report.notes if note.wrong))


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="edged-desk-", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.skipif(cdp.installed() is None, reason="no Chromium here: apt-get install chromium")
def test_the_doctor_and_chromium_agree(folder: Path) -> None:
    desk = Desk(folder, "chromium")
    desk.describes()
    profile = folder / "profile"
    profile.mkdir()
    place = profile / "NativeMessagingHosts" / f"{HOST_NAME}.json"

    with cdp.Chromium(profile, extensions=[desk.extension]) as browser:
        (own,) = browser.ids

        def both(change: Change | None) -> tuple[str, list[str]]:
            desk.registers(place, own, change)
            page = browser.open(f"chrome-extension://{own}/page.html")
            return page.evaluate(CONNECT), desk.doctor(own, profile)

        assert both(None) == (NOT_FOUND, ["host_not_registered"])
        assert both(_unnamed) == (FORBIDDEN, ["origin_denied"])
        for fault in (_spoilt, _relative, _undescribed, _gone):
            assert both(fault) == (NOT_FOUND, ["host_not_registered"])
        assert both(_named) == ("ready", [])


@pytest.mark.skipif(bidi.installed() is None, reason="no Firefox here: apt-get install firefox-esr")
@pytest.mark.long
def test_the_doctor_and_firefox_agree(folder: Path) -> None:
    desk = Desk(folder, "firefox")
    desk.describes(browser_specific_settings={"gecko": {"id": FIREFOX_PROBE}})
    place = folder / ".mozilla/native-messaging-hosts" / f"{HOST_NAME}.json"
    (folder / ".mozilla/firefox").mkdir(parents=True)

    with bidi.Firefox(folder, uuids={FIREFOX_PROBE: FIREFOX_UUID}) as browser:
        browser.install(desk.extension)

        def both(change: Change | None) -> tuple[str, list[str]]:
            desk.registers(place, FIREFOX_PROBE, change)
            tab = browser.open(f"moz-extension://{FIREFOX_UUID}/page.html")
            return tab.evaluate(CONNECT), desk.doctor(FIREFOX_PROBE, None)

        assert both(None) == (UNKNOWN, ["host_not_registered"])
        assert both(_unnamed) == (UNKNOWN, ["origin_denied"])
        for fault in (_relative, _undescribed):
            assert both(fault) == (UNKNOWN, ["host_not_registered"])
        said, codes = both(_gone)
        assert (said != UNKNOWN, codes) == (True, ["host_not_registered"])
        assert both(_named) == ("ready", [])
