"""Draws the extension's icons: five bars of sound in a rounded square, in the sizes browsers ask for."""

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

ICONS = Path(__file__).parent.parent / "extension" / "src" / "icons"
SIZES: Final = (16, 32, 48, 128)
GROUND: Final = "#1f6f5c"
BARS: Final = ((0.20, 0.22), (0.35, 0.44), (0.50, 0.64), (0.65, 0.36), (0.80, 0.18))
"""Middle and height of each, in the square's side."""
WIDTH: Final = 0.09
CORNER: Final = 0.22
FINER: Final = 8
"""Drawn so many times larger and scaled down, since Pillow's shapes have no soft edges."""


def icon(size: int) -> Image.Image:
    """The icon, `size` pixels square, with a transparent ground around its corners."""
    side = size * FINER
    picture = Image.new("RGBA", (side, side))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, side - 1, side - 1), radius=side * CORNER, fill=GROUND)
    for middle, height in BARS:
        left, right = side * (middle - WIDTH / 2), side * (middle + WIDTH / 2)
        top, bottom = side * (0.5 - height / 2), side * (0.5 + height / 2)
        pen.rounded_rectangle((left, top, right, bottom), radius=side * WIDTH / 2, fill="#ffffff")
    return picture.resize((size, size), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    for side in SIZES:
        icon(side).save(ICONS / f"{side}.png", optimize=True)
