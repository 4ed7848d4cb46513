"""Makes docs/images/panel-*.png: the extension's screens, as Chromium shows them.

A throw-away home, a made-up microphone (a sentence by flite) and camera. The camera sees a photograph of the
public domain, which is not ours and so is hidden before the picture is taken: what edged draws is left. Run it as `python packaging/make_panel_pictures.py`; it needs the [dev] extra, Chromium, npm and
flite, and the models of `make models`. Nothing in the pictures is drawn by hand.
"""

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "browser"))  # the driver of Chromium lies with the tests
import builds  # noqa: E402 - needs the line above
import cdp  # noqa: E402 - likewise
import made_media  # noqa: E402 - likewise
import panels  # noqa: E402 - likewise
import rooms  # noqa: E402 - likewise

IMAGES = ROOT / "docs" / "images"
CONVERSATION = ROOT / "edged" / "cli" / "assets" / "conversation.opus"
MODELS = Path(os.environ.get("EDGED_TEST_MODELS", ROOT / ".venv/.edged/home/state/models"))
SHOWN = "panel-{}.png"
TRANSCRIBED_WITHIN_S = 200.0
HEARD = "document.querySelectorAll('.caption:not(.partial)').length >= 3"
DRAWN = "!!document.querySelector('canvas')?.dataset.seen && document.querySelector('.told').textContent !== ''"
RATES = "document.querySelectorAll('.camera-side .chip').length >= 4"
CAMERA_SIZE = (980, 620)
COLOURS = 192
"""Enough for what the panel shows."""

HIDE = "document.querySelector('video').style.opacity = '0'"


def main() -> None:
    """Show each screen and keep its picture."""
    with _room() as room:
        page = panels.opened(room)
        page.size(panels.WIDTH, panels.HEIGHT, scale=2)
        panels.asked(page)
        _keep(page, "pairing")
        room.approve(panels.ORIGIN, "all")
        page.wait(panels.PAIRED)
        _transcribe(page)
        _captions(page)
        _search(page)
        for screen in ("people", "status"):
            panels.go(page, screen)
            page.wait("!document.querySelector('main .spinner')")
            _keep(page, screen)
        _camera(room)


@contextmanager
def _room() -> Iterator[rooms.Room]:
    with tempfile.TemporaryDirectory(prefix="edged-media-", dir="/tmp") as name:
        media = Path(name)
        made_media.speech(
            media / "speech.wav",
            "good morning",
            made_media.BEFORE,
            made_media.SAID,
            "thank you very much",
        )
        made_media.portrait(media / "portrait.y4m")
        flags = panels.devices(media / "speech.wav", media / "portrait.y4m")
        with rooms.Room(builds.built(), builds.LIBRARY, flags=flags) as room:
            shutil.copytree(MODELS, room.daemon.paths.models, dirs_exist_ok=True)
            room.daemon.start()
            yield room


def _transcribe(page: cdp.Page) -> None:
    panels.go(page, "files")
    page.click("details summary")
    page.evaluate("document.querySelector('details .toggle input').click()")
    page.drop_files(*page.evaluate(panels.DROP), CONVERSATION)
    page.wait(panels.done(CONVERSATION.name), within_s=TRANSCRIBED_WITHIN_S)
    _keep(page, "files")


def _captions(page: cdp.Page) -> None:
    panels.go(page, "captions")
    page.click(".captions-screen .button.primary")
    page.wait(HEARD, within_s=60)
    _keep(page, "captions")
    page.prefer(color_scheme="dark")
    _keep(page, "captions-dark")
    page.prefer(color_scheme="light")
    page.click(".captions-screen .button.danger")
    page.wait("!document.querySelector('.rec')")


def _search(page: cdp.Page) -> None:
    panels.go(page, "search")
    page.type("input[type=search]", "kitchen table")
    page.wait("!!document.querySelector('.list mark')")
    _keep(page, "search")
    page.click(".list:last-child .item-button:has(mark)")
    page.wait("!!document.querySelector('.line')")
    _keep(page, "recording")


def _camera(room: rooms.Room) -> None:
    page = room.browser.open(rooms.CAMERA)
    page.size(*CAMERA_SIZE)
    page.click("input[name=task][value=holistic]")
    page.click(".button.primary")
    page.wait(DRAWN)
    page.wait(RATES, within_s=60)
    page.evaluate(HIDE)
    _keep(page, "camera")


def _keep(page: cdp.Page, name: str) -> None:
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    target = IMAGES / SHOWN.format(name)
    picture.quantize(COLOURS).save(target, optimize=True)
    print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
