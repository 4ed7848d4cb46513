"""Which pixels of a desktop are looked at, and which never."""

from pathlib import Path

import numpy as np
import pytest

from edged.capture import screens
from edged.capture.screen_worker import black_out, choose, cut, within
from edged.capture.sight import SightOptions
from edged.capture.sight_orders import ScreenListed
from edged.capture.windows import Window, denied_places, matching
from edged.capture.x11 import Cookie, cookie_for, display_number
from edged.errors import BadRequest, DeviceMissing

MASK = 0xFFFFF
LEFT = ScreenListed(id="DP-1", name="Left", left=0, top=0, width=1920, height=1080)
RIGHT = ScreenListed(
    id="DP-2", name="Right", left=1920, top=0, width=1280, height=1024, is_primary=True
)


def window(
    ids: tuple[int, ...], *names: str, place: int, free: bool = False, owner: int = 0
) -> Window:
    return Window(
        place=(place, 0, 10, 10), names=names, ids=ids, named=ids[-1:],
        owners=(owner,) if owner else (), free=free,
    )  # fmt: skip


MANAGER, BROWSER, EDITOR = 0x200000, 0x400000, 0x600000
WINDOWS = [
    window(
        (MANAGER | 1, MANAGER | 2, BROWSER | 1), "My Bank - Browser", "browser Browser", place=0
    ),
    window((MANAGER | 3, BROWSER | 2), "News - Browser", "browser Browser", place=100),
    window((BROWSER | 3,), place=200, free=True),
    window((MANAGER | 4, EDITOR | 1), "Letter", place=300),
    window((MANAGER | 5, EDITOR | 2), "Sign in", place=400, owner=BROWSER | 1),
    window((MANAGER | 6,), "panel", place=500, free=True),
]


def places(deny: str) -> list[int]:
    return [left for left, _, _, _ in denied_places(WINDOWS, [deny], MASK)]


def test_a_denied_title_hides_its_window_its_dialogs_and_its_programs_menus() -> None:
    assert places("my BANK") == [0, 200, 400]


def test_a_denied_program_hides_all_its_windows() -> None:
    assert places("browser") == [0, 100, 200, 400]


def test_other_programs_menus_and_the_desktops_panel_stay() -> None:
    assert places("letter") == [300]
    assert places("nothing of the kind") == []
    assert matching(WINDOWS, [""]) == []


def test_hidden_places_are_painted_as_far_as_they_lie_in_the_picture() -> None:
    pixels = np.full((20, 30, 4), 255, np.uint8)

    black_out(pixels, (95, 45, 10, 10), (100, 50, 30, 20))
    black_out(pixels, (500, 500, 10, 10), (100, 50, 30, 20))
    black_out(pixels, (0, 0, 50, 50), (100, 50, 30, 20))

    assert not pixels[:5, :5].any()
    assert pixels[5:].all()
    assert pixels[:, 5:].all()


def test_a_monitor_is_chosen_by_its_id_or_name_and_else_the_primary_one() -> None:
    assert choose([LEFT, RIGHT], "") == RIGHT
    assert choose([LEFT], "") == LEFT
    assert choose([LEFT, RIGHT], "DP-1") == choose([LEFT, RIGHT], "Left") == LEFT
    with pytest.raises(DeviceMissing):
        choose([LEFT], "DP-3")


def test_a_region_counts_from_its_monitor_and_has_to_lie_in_it() -> None:
    assert within(RIGHT, None) == (1920, 0, 1280, 1024)
    assert within(RIGHT, (10, 20, 30, 40)) == (1930, 20, 30, 40)
    for region in ((-1, 0, 5, 5), (0, 0, 0, 5), (1270, 0, 11, 5), (0, 1020, 5, 5)):
        with pytest.raises(BadRequest, match="1280 x 1024"):
            within(RIGHT, region)


def test_a_window_is_seen_as_far_as_it_lies_on_the_screen() -> None:
    assert cut((-10, 5, 100, 50), (0, 0, 1920, 1080)) == (0, 5, 90, 50)
    with pytest.raises(DeviceMissing, match="does not lie"):
        cut((2000, 5, 100, 50), (0, 0, 1920, 1080))


def test_the_default_screen_is_the_primary_one_or_the_first() -> None:
    both = screens.devices_of([LEFT, RIGHT])

    assert [one.is_default for one in both] == [False, True]
    assert both[1].formats == ("1280x1024 at 1920,0",)
    assert screens.devices_of([LEFT])[0].is_default
    assert screens.devices_of([]) == []


def test_denied_words_are_the_configured_and_the_asked_ones() -> None:
    options = SightOptions(deny=("Bank", "mail", " "))

    assert screens.deny_of(" KeePass, Bank ,,", options) == ("KeePass", "Bank", "mail")


@pytest.mark.parametrize(("display", "number"), [(":0", 0), (":12.0", 12), ("unix:3", 3)])
def test_a_display_of_this_machine_has_a_number(display: str, number: int) -> None:
    assert display_number(display) == number


@pytest.mark.parametrize("display", ["", ":", "host:0", "localhost:10.0", ":x", "wayland-0"])
def test_other_displays_are_refused(display: str) -> None:
    with pytest.raises(DeviceMissing, match="of this machine"):
        display_number(display)


def entry(number: bytes, name: bytes, secret: bytes) -> bytes:
    fields = (b"host", number, name, secret)
    return b"\1\0" + b"".join(len(one).to_bytes(2, "big") + one for one in fields)


def test_the_cookie_of_a_display_is_found_in_the_file_of_authorities(tmp_path: Path) -> None:
    path = f"{tmp_path}/authority"
    magic = b"MIT-MAGIC-COOKIE-1"
    with open(path, "wb") as file:
        file.write(
            entry(b"1", magic, b"one") + entry(b"7", b"XDM", b"x") + entry(b"7", magic, b"seven")
        )
        file.write(b"\1\0\0\4cut")

    assert cookie_for(":7", path) == Cookie(magic, b"seven")
    assert cookie_for(":8", path) == cookie_for(":7", f"{path}-none") == Cookie()
