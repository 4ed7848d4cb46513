"""A tab's sound in a real Chromium: the panel captions what another tab plays."""

import base64
from collections.abc import Iterator
from pathlib import Path

import builds
import cdp
import panels
import pytest
from cdp import Page
from rooms import Room

from edged.bridge.browsers.identity import CHROMIUM_ID

pytestmark = [pytest.mark.timeout(120), pytest.mark.long]  # a browser and a daemon of its own

PLAY = """new Promise((playing) => {{
  const player = new Audio('data:audio/wav;base64,{wav}');
  player.loop = true;
  player.onplaying = () => playing(true);
  void player.play();
}})"""


@pytest.fixture
def listening(chromium_build: Path, media: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """The paired panel, behind a tab that plays speech.

    The flag stands for the click on the extension's button in that tab, which lets it hear the tab.
    What is muted is silent for whoever captures it too.
    """
    monkeypatch.setattr(cdp, "FLAGS", tuple(flag for flag in cdp.FLAGS if flag != "--mute-audio"))
    flags = (f"--allowlisted-extension-id={CHROMIUM_ID}",)
    with Room(chromium_build, builds.LIBRARY, flags=flags) as room:
        room.daemon.start()
        panel = panels.paired(room)
        panels.go(panel, "captions")
        player = room.probe_page()
        player.call("Page.bringToFront")
        wav = base64.b64encode((media / "speech.wav").read_bytes()).decode()
        player.evaluate(PLAY.format(wav=wav))
        yield panel


def test_what_a_tab_plays_is_captioned(listening: Page) -> None:
    listening.evaluate("void document.querySelector('input[value=tab]').click()")

    listening.evaluate("void document.querySelector('.captions-screen .button.primary').click()")

    listening.wait(panels.HEARD, within_s=25)
    assert listening.wait("chrome.action.getBadgeText({})") == "REC"
