"""The side panel in a real Chromium, used as its user uses it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import panels
import pytest
from cdp import Page
from PIL import Image
from rooms import Room

pytestmark = pytest.mark.timeout(150)

ARROW_RIGHT, END, HOME = 39, 35, 36
RECENT = (
    "[...document.querySelectorAll('.list .item-button')]"
    ".find((one) => one.textContent.includes('speech.wav'))"
)
POSITION = "Number(document.querySelector('.player input[type=range]')?.value ?? 0)"


@pytest.fixture
def panel(room: Room) -> Iterator[Page]:
    """The panel in a tab, paired."""
    page = panels.paired(room)
    yield page
    page.close()


@pytest.fixture
def stranger(strange: Room) -> Iterator[Page]:
    """The panel in a tab, of a browser that nobody knows."""
    page = panels.opened(strange)
    yield page
    page.close()


def test_both_sides_show_the_same_words_and_a_revoked_panel_says_so(
    strange: Room, stranger: Page
) -> None:
    shown = panels.asked(stranger)
    (pending,) = strange.clients("pending")
    assert " ".join(shown) == pending["fingerprint"]
    assert f"edged clients approve {pending['client_id']}" in stranger.text()

    strange.approve(panels.ORIGIN, "speech", "results.read")
    stranger.wait(panels.PAIRED)

    _ask_for_the_screen_too(stranger)
    (client,) = strange.clients("approved")
    assert client["scopes"] == ["speech", "results.read"], "it has no more before that is decided"
    strange.daemon.json("clients", "approve", client["client_id"])
    stranger.wait(panels.PAIRED)
    (client,) = strange.clients("approved")
    assert "capture.screen" in client["scopes"]

    strange.daemon.json("clients", "revoke", pending["client_id"])
    stranger.wait("document.body.innerText.includes('not_paired')")
    assert stranger.evaluate(panels.PAIRED) is False


def test_a_dropped_file_is_transcribed_found_by_its_words_and_played_from_there(
    panel: Page, media: Path
) -> None:
    panels.transcribe(panel, media / "talk.wav")

    panels.go(panel, "search")
    panel.type("input[type=search]", "kitchen")
    panel.click(".list .item-button:has(mark)")

    panel.wait("document.body.innerText.includes('kitchen table')")
    started = panel.wait(POSITION)
    assert started > 3000, "it plays from the beginning"
    panel.wait(f"{POSITION} > {started}")


def test_a_dropped_picture_is_said_to_be_no_sound(panel: Page, tmp_path: Path) -> None:
    picture = tmp_path / "cat.jpg"
    Image.new("RGB", (64, 48), "tan").save(picture)
    panels.go(panel, "files")

    panel.drop_files(*panel.evaluate(panels.DROP), picture)

    panel.wait("!!document.querySelector('.file-row:has([title=\"cat.jpg\"]) .reason')")
    row = panel.evaluate("document.querySelector('.file-row:has([title=\"cat.jpg\"])').innerText")
    assert "This file cannot be decoded" in row
    assert "give a wav" in row.lower()
    assert "bad_media" in row


def _ask_for_the_screen_too(page: Page) -> None:
    """By the settings, until the screen waits with its six words."""
    page.click(".head .icon-button")
    page.click("details summary")
    page.click("input[name='capture.screen']")
    page.click("details button.primary")
    page.wait(f"{panels.WORDS}.length === 6")


def test_what_the_microphone_hears_is_captioned_and_shown_as_recording(
    room: Room, panel: Page
) -> None:
    panels.go(panel, "captions")

    panel.click(".captions-screen .button.primary")

    panel.wait(panels.HEARD)
    assert panel.evaluate("!!document.querySelector('.rec')")
    assert panel.wait("chrome.action.getBadgeText({})") == "REC"
    panel.click(".captions-screen .button.danger")
    panel.wait("!document.querySelector('.rec')")
    panel.wait("chrome.action.getBadgeText({}).then((words) => words === '')")
    assert room.daemon.health().status in {"ok", "degraded"}
    kept = room.daemon.json("recordings", "list")["recordings"]
    assert any(one["name"].startswith("Captions, ") for one in kept)


def test_arrow_keys_lead_through_the_tabs(panel: Page) -> None:
    panels.go(panel, "captions")
    panel.evaluate("document.querySelector('#tab-captions').focus()")

    seen = []
    for key, code in [("ArrowRight", ARROW_RIGHT), ("End", END), ("ArrowRight", ARROW_RIGHT)]:
        panel.press(key, code=code)
        seen.append(panel.evaluate("document.activeElement.id"))

    assert seen == ["tab-files", "tab-status", "tab-captions"]
    assert panel.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_on_any_screen(panel: Page, media: Path, scheme: str) -> None:
    panel.prefer(color_scheme=scheme, reduced_motion="reduce")
    panels.transcribe(panel, media / "speech.wav")

    found = {}
    for screen in panels.SCREENS:
        panels.go(panel, screen)
        panel.wait("!document.querySelector('main .spinner')")
        found[screen] = panels.faults(panel)
    panels.go(panel, "search")
    panel.wait(f"!!{RECENT}")
    panel.evaluate(f"{RECENT}.click()")
    panel.wait("!!document.querySelector('.line')")
    found["recording"] = panels.faults(panel)
    panel.click(".head .icon-button")
    found["settings"] = panels.faults(panel)

    assert {name: faults for name, faults in found.items() if faults} == {}


def test_axe_finds_no_serious_fault_while_it_is_paired(stranger: Page) -> None:
    before = panels.faults(stranger)
    panels.asked(stranger)

    assert before == []
    assert panels.faults(stranger) == []


def test_a_panel_whose_daemon_is_killed_has_it_again_soon(room: Room, panel: Page) -> None:
    panels.go(panel, "status")
    first = room.holder()
    assert first is not None

    os.kill(first, signal.SIGKILL)

    panel.wait("!document.querySelector('.head .chip.good')")
    panel.wait("!!document.querySelector('.head .chip.good')")
    assert room.holder() not in {None, first}
