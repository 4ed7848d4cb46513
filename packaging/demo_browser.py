"""Shows the browser bridge at work: `make demo-browser`.

A throw-away home, headless Chromium with edged's extension, and a user who does what a user would do:
registers the host, compares six words, approves the panel, drops a file on it, searches, and looks. Each
step is printed; a picture of the panel is left at build/demo-browser.png.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "browser"))  # the driver of Chromium lies with the tests
import builds  # noqa: E402 - needs the line above
import cdp  # noqa: E402 - likewise
import panels  # noqa: E402 - likewise
import rooms  # noqa: E402 - likewise

CONVERSATION = ROOT / "edged" / "cli" / "assets" / "conversation.opus"
PICTURE = ROOT / "build" / "demo-browser.png"
WORDS = "kitchen table"
TRANSCRIBED_WITHIN_S = 120.0

Found = TypeVar("Found")


def main() -> int:
    """Show it; returns 1, with the reason, where something that it needs is not here."""
    if (reason := _lacking()) is not None:
        print(f"demo-browser: {reason}", file=sys.stderr)
        return 1
    with rooms.Room(builds.built(), builds.LIBRARY) as room:
        _say("a daemon on a home of its own", room.daemon.start)
        _say("`edged browser install`, then Chromium with the extension", lambda: room.browser)
        _doctor(room)
        page = panels.opened(room)
        _pair(room, page)
        _transcribe(page)
        _search(page)
        _keep_picture(page)
    return 0


def _lacking() -> str | None:
    if cdp.installed() is None:
        return "no Chromium here: apt-get install chromium"
    return builds.lacking()


def _say(what: str, act: Callable[[], Found]) -> Found:
    """Do it, and print how long it took."""
    started = time.perf_counter()
    found = act()
    print(f"  {what}  ({time.perf_counter() - started:.1f} s)")
    return found


def _doctor(room: rooms.Room) -> None:
    said = _say("`edged browser doctor --browser chromium`", room.doctor)
    print(f"    {said.strip().splitlines()[-1]}")


def _pair(room: rooms.Room, page: cdp.Page) -> None:
    words = _say("the panel asks to be paired", lambda: panels.asked(page))
    pending = room.wait(lambda: room.client(panels.ORIGIN))
    print(f"    the panel shows      {' '.join(words)}")
    print(f"    the terminal shows   {pending['fingerprint']}")
    if " ".join(words) != pending["fingerprint"]:
        raise SystemExit("they differ: not approved")
    _say(
        f"`edged clients approve {pending['client_id']}`",
        lambda: room.approve(panels.ORIGIN, "speech", "results.read", "models.read"),
    )
    page.wait(panels.PAIRED)


def _transcribe(page: cdp.Page) -> None:
    panels.go(page, "files")

    def drop() -> None:
        page.drop_files(*page.evaluate(panels.DROP), CONVERSATION)
        page.wait(panels.done(CONVERSATION.name), within_s=TRANSCRIBED_WITHIN_S)

    _say(f"{CONVERSATION.name} is dropped on the panel, and transcribed", drop)


def _search(page: cdp.Page) -> None:
    panels.go(page, "search")
    page.type("input[type=search]", WORDS)
    page.wait("!!document.querySelector('.list mark')")
    hits = page.evaluate("document.querySelectorAll('.list .item-button').length")
    print(f"  searched for {WORDS!r}: {hits} found, the first one played")
    page.click(".list .item-button:has(mark)")
    line = f"[...document.querySelectorAll('.line')].find((line) => line.innerText.includes('{WORDS}'))"
    said = page.wait(f"{line}?.innerText")
    print(f"    {' '.join(said.split())}")


def _keep_picture(page: cdp.Page) -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(page.screenshot())
    print(f"  a picture of the panel: {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    raise SystemExit(main())
