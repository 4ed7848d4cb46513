"""The report's colours can be told apart from what lies behind them, light and dark."""

import re

import pytest

from edged.cli.report.style import STYLE

LEAST_TEXT = 4.5
LEAST_MARK = 3.0
"""Source: WCAG 2.2, 1.4.3 and 1.4.11."""

LIGHT, DARK = (dict(re.findall(r"--(\w+):(#\w+)", block)) for block in re.findall(r":root\{([^}]+)\}", STYLE))  # fmt: skip


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(one * 2 for one in digits) if len(digits) == 3 else digits
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_and_marks_have_enough_contrast(colours: dict[str, str]) -> None:
    hues = [f"h{number}" for number in range(8)]

    for ink in ("ink", "faint"):
        for ground in ("page", "card"):
            assert contrast(colours[ink], colours[ground]) >= LEAST_TEXT, (ink, ground)
    for hue in hues:
        assert contrast(colours["on"], colours[hue]) >= LEAST_TEXT, hue
    for mark in (*hues, "accent", "gap", "seen", "unnamed"):
        assert contrast(colours[mark], colours["card"]) >= LEAST_MARK, mark


def test_the_look_loads_nothing() -> None:
    assert "@import" not in STYLE
    assert "url(" not in STYLE
