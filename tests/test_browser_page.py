"""docs/BROWSER.md is true: its places are those that are looked at, its codes are the daemon's."""

import re
from pathlib import Path

import pytest

from edged.bridge.browsers.identity import CHROMIUM_ID, FIREFOX_ID, HOST_NAME
from edged.bridge.browsers.kinds import CHOICES, KINDS, Kind
from edged.bridge.browsers.places import places
from edged.bridge.browsers.system import Platform, System
from edged.cli import browser
from edged.errors import leaves

PAGE = (Path(__file__).parent.parent / "docs" / "BROWSER.md").read_text()
ROW = re.compile(r"^\| ([^|]+) \| (.+) \|$", re.MULTILINE)
REASONS = (
    "host_not_registered", "origin_denied", "not_paired", "daemon_down", "version_skew",
    "sandboxed_browser", "too_large", "deadline", "denied", "busy",
)  # fmt: skip


def row_of(kind: Kind, platform: Platform) -> str:
    """A row of the page's tables: where a browser looks, in its order."""
    system = System(platform=platform, home=Path("~"))
    found = [one.path for one in places(system, kind)]
    if platform == "win32":
        own = [one.removeprefix("HKCU\\Software\\") for one in found if one.startswith("HKCU")]
        found = [one.removesuffix(rf"\NativeMessagingHosts\{HOST_NAME}") for one in own]
    found = [one.removesuffix(f"/{HOST_NAME}.json") for one in found]
    return f"| {kind.title} | {', '.join(f'`{one}`' for one in found)} |"


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_browser_is_in_the_tables_with_its_places(platform: Platform) -> None:
    first = {kind.name: kind for kind in reversed(KINDS)}.values()

    lost = [row for kind in first if (row := row_of(kind, platform)) not in PAGE.splitlines()]

    assert lost == []


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_has_its_row_and_is_a_code_of_the_daemon(code: str) -> None:
    rows = [first for first, _ in ROW.findall(PAGE) if f"`{code}`" in first]

    assert len(rows) == 1
    assert code in leaves()


def test_no_row_names_a_code_that_is_none() -> None:
    named = {
        one for first, _ in ROW.findall(PAGE) for one in re.findall(r"^`([a-z]+_[a-z_]+)`$", first)
    }

    assert named <= leaves().keys()


def test_the_names_by_which_all_know_each_other_are_in_the_page() -> None:
    assert all(f"`{one}`" in PAGE for one in (HOST_NAME, CHROMIUM_ID, FIREFOX_ID))


def test_the_command_line_takes_every_browser() -> None:
    assert (*CHOICES, "all") == browser.CHOICES
