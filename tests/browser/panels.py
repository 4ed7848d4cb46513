"""The side panel as its user sees and uses it: through what is on the screen."""

from pathlib import Path
from typing import Any

from cdp import Page
from rooms import PANEL, Room

from edged.bridge.browsers.identity import CHROMIUM_ID

ORIGIN = f"chrome-extension://{CHROMIUM_ID}/"
SCREENS = ("captions", "files", "search", "camera", "people", "status")
TRANSCRIBED_WITHIN_S = 90.0
WIDTH, HEIGHT = 360, 780

ASK = ".screen .button.primary"
WORDS = "[...document.querySelectorAll('.words li')].map((word) => word.textContent)"
PAIRED = "document.querySelector('[role=tablist]')?.hidden === false"
DROP = (
    "(() => { const at = document.querySelector('.drop').getBoundingClientRect();"
    "return [at.x + at.width / 2, at.y + at.height / 2]; })()"
)
"""Where files are dropped."""

HEARD = (
    "[...document.querySelectorAll('.caption:not(.partial) p')]"
    ".some((line) => /coffee|kitchen/.test(line.textContent))"
)
"""True when words of the sentence of `made_media` were captioned; a busy machine drops some of its sound."""

AXE = Path(__file__).parent.parent.parent / "extension" / "node_modules" / "axe-core" / "axe.min.js"


def devices(sound: Path, film: Path) -> tuple[str, ...]:
    """Flags for Chromium: a microphone that hears a WAV file, a camera that sees a YUV4MPEG2 file, both granted."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}",
        f"--use-file-for-fake-video-capture={film}",
    )


def opened(room: Room) -> Page:
    """The panel in a tab as narrow as a side panel, with the daemon behind it."""
    page = room.browser.open(PANEL)
    page.size(WIDTH, HEIGHT)
    page.wait(f"{PAIRED} || !!document.querySelector('{ASK}') || {WORDS}.length === 6")
    return page


def asked(page: Page) -> list[str]:
    """Press the button that asks to be paired, unless it asks already; the six words that it shows then."""
    if not page.evaluate(f"{WORDS}.length"):
        page.click(ASK)
    page.wait(f"{WORDS}.length === 6")
    found: list[str] = page.evaluate(WORDS)
    return found


def paired(room: Room) -> Page:
    """The panel, paired if it was not yet."""
    page = opened(room)
    if not page.evaluate(PAIRED):
        asked(page)
        room.approve(ORIGIN, "all")
        page.wait(PAIRED)
    return page


def done(name: str) -> str:
    """An expression that is true when the file of that name is transcribed."""
    row = f"document.querySelector('.file-row:has([title=\"{name}\"])')"
    return f"!!{row}?.querySelector('.acts [aria-label^=\"Open\"]')"


def transcribe(page: Page, file: Path) -> None:
    """Drop a file on the panel and wait until its row says that it is done."""
    go(page, "files")
    page.drop_files(*page.evaluate(DROP), file)
    page.wait(done(file.name), within_s=TRANSCRIBED_WITHIN_S)


def go(page: Page, screen: str) -> None:
    """Choose a tab."""
    page.click(f"#tab-{screen}")
    page.wait(f"document.querySelector('#tab-{screen}').getAttribute('aria-selected') === 'true'")


def faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical on what is shown now: rule, and where."""
    # A colour on its way to another one has the contrast of neither.
    page.wait(
        "document.getAnimations().every((one) => one.playState !== 'running')"
        " || !!document.querySelector('.spinner')"
    )
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(f"void (() => {{ {AXE.read_text()} }})()")
    found: list[dict[str, Any]] = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations"
        ".filter((one) => ['serious', 'critical'].includes(one.impact))"
        ".map((one) => ({rule: one.id, nodes: one.nodes.map((node) => node.html.slice(0, 200) + ' | '"
        " + node.failureSummary)})))"
    )
    return [f"{one['rule']}: {node}" for one in found for node in one["nodes"]]
