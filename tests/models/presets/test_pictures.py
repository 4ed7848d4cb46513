"""Pictures in every form that comes: as they are meant to be seen, or refused in words."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edged.errors import BadMedia, BadRequest
from edged.media import ImageFormat, Picture, PixelFormat
from edged.models.presets.pictures import image_of, pixels

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def file(image: Image.Image, form: str = "PNG", **options: Any) -> Picture:
    target = io.BytesIO()
    image.save(target, form, **options)
    return Picture(data=target.getvalue())


def noise(width: int, height: int) -> Image.Image:
    values = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(values)


def png_of(width: int, height: int) -> bytes:
    """A PNG that says so large a size and has next to no data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100)))


def test_raw_pixels_come_as_they_are() -> None:
    rows = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)

    found = pixels(Picture(data=memoryview(rows.tobytes()), raw=ImageFormat(width=3, height=2)))

    assert found.tolist() == rows.tolist()


@pytest.mark.parametrize("size", [0, 17, 19, 36])
def test_raw_pixels_of_another_number_of_bytes_are_refused_with_the_numbers(size: int) -> None:
    picture = Picture(data=bytes(size), raw=ImageFormat(width=3, height=2))

    with pytest.raises(BadRequest, match=f"3 x 2 pixels of rgb are 18 bytes, {size} came"):
        pixels(picture)


def test_raw_rgb_is_not_copied() -> None:
    data = bytes(range(18))

    found = pixels(Picture(data=data, raw=ImageFormat(width=3, height=2)))

    assert np.shares_memory(found, np.frombuffer(data, np.uint8))


@pytest.mark.parametrize("gap", [0, 5])
@pytest.mark.parametrize("last", ["whole", "cut"])
@pytest.mark.parametrize(
    ("order", "row"),
    [
        ("rgb", [*RED, *GREEN, *BLUE]),
        ("bgr", [0, 0, 255, 0, 255, 0, 255, 0, 0]),
        ("rgba", [*RED, 255, *GREEN, 255, *BLUE, 255]),
        ("bgra", [0, 0, 255, 255, 0, 255, 0, 255, 255, 0, 0, 255]),
    ],
)
def test_raw_pixels_of_any_order_and_with_gaps_between_rows_are_the_same_picture(
    order: PixelFormat, row: list[int], gap: int, last: str
) -> None:
    stride = len(row) + gap
    rows = bytes([*row, *[99] * gap]) * 2
    data = rows if last == "whole" else rows[: stride + len(row)]
    facts = ImageFormat(width=3, height=2, pixel_format=order, stride=stride if gap else 0)

    found = pixels(Picture(data=data, raw=facts))

    assert found.tolist() == [[list(RED), list(GREEN), list(BLUE)]] * 2


def test_raw_grey_comes_in_three_equal_colours() -> None:
    facts = ImageFormat(width=2, height=1, pixel_format="grey")

    found = pixels(Picture(data=bytes([7, 200]), raw=facts))

    assert found.tolist() == [[[7, 7, 7], [200, 200, 200]]]


def test_a_stride_that_is_shorter_than_a_row_is_refused() -> None:
    facts = ImageFormat(width=3, height=2, stride=8)

    with pytest.raises(BadRequest, match="a stride of 8 bytes is shorter than a row of 9"):
        pixels(Picture(data=bytes(17), raw=facts))


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "WEBP", "JPEG"])
def test_a_file_of_each_form_is_read_in_rgb(form: str) -> None:
    options: dict[str, Any] = {"lossless": True} if form == "WEBP" else {}

    found = pixels(file(Image.new("RGB", (8, 4), RED), form, **options))

    assert found.shape == (4, 8, 3)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - RED).max() <= 2  # JPEG rounds


@pytest.mark.parametrize("form", ["TIFF", "PPM", "ICO", "PCX"])
def test_other_forms_are_refused_for_their_decoders_are_not_wanted(form: str) -> None:
    with pytest.raises(BadMedia, match="no picture"):
        pixels(file(Image.new("RGB", (16, 16)), form))


def test_a_single_pixel_is_a_picture() -> None:
    assert pixels(file(Image.new("RGB", (1, 1), BLUE))).tolist() == [[list(BLUE)]]


def test_grey_comes_in_three_equal_colours() -> None:
    found = pixels(file(Image.new("L", (2, 2), 77)))

    assert found.tolist() == [[[77] * 3] * 2] * 2


def test_black_and_white_is_black_and_white() -> None:
    assert pixels(file(Image.new("1", (1, 1), 1))).tolist() == [[[255] * 3]]


def test_grey_of_sixteen_bits_keeps_its_upper_eight() -> None:
    values = np.array([[0, 0x1234, 0x8000, 0xFFFF]], np.uint16)

    found = pixels(file(Image.fromarray(values)))

    assert found[0, :, 0].tolist() == [0, 0x12, 0x80, 0xFF]


def test_what_is_behind_a_transparent_part_is_white() -> None:
    clear = Image.new("RGBA", (3, 1))
    clear.putpixel((0, 0), (*RED, 255))
    clear.putpixel((1, 0), (*RED, 128))

    opaque, half, none = pixels(file(clear))[0].tolist()

    assert opaque == list(RED)
    assert half == pytest.approx([255, 127, 127], abs=1)
    assert none == list(WHITE)


def test_grey_with_transparency_is_over_white_too() -> None:
    found = pixels(file(Image.merge("LA", [Image.new("L", (1, 1), 9), Image.new("L", (1, 1), 0)])))

    assert found.tolist() == [[list(WHITE)]]


def test_a_palette_becomes_its_colours_and_its_transparent_entry_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *GREEN])
    image.putpixel((1, 0), 1)

    plain = pixels(file(image))
    clear = pixels(file(image, "PNG", transparency=1))

    assert plain[0].tolist() == [list(RED), list(GREEN)]
    assert clear[0].tolist() == [list(RED), list(WHITE)]


def test_inks_become_colours() -> None:
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))

    found = pixels(file(red, "JPEG", quality=95))

    assert found[4, 4] == pytest.approx(RED, abs=12)


CORNERS = {
    1: (RED, GREEN), 2: (GREEN, RED), 3: (WHITE, BLUE), 4: (BLUE, WHITE),
    5: (RED, BLUE), 6: (BLUE, RED), 7: (WHITE, GREEN), 8: (GREEN, WHITE),
}  # fmt: skip
"""The two upper corners when a picture of red, green / blue, white is shown with an orientation."""


@pytest.mark.parametrize("orientation", sorted(CORNERS))
def test_a_picture_is_turned_as_its_camera_was_held(orientation: int) -> None:
    image = Image.new("RGB", (2, 2))
    for place, colour in zip(
        ((0, 0), (1, 0), (0, 1), (1, 1)), (RED, GREEN, BLUE, WHITE), strict=True
    ):
        image.putpixel(place, colour)
    exif = Image.Exif()
    exif[0x0112] = orientation

    found = pixels(file(image.resize((64, 32), Image.Resampling.NEAREST), "PNG", exif=exif))

    assert found.shape == ((64, 32, 3) if orientation > 4 else (32, 64, 3))
    left, right = CORNERS[orientation]
    assert found[2, 2].tolist() == list(left)
    assert found[2, -3].tolist() == list(right)


def test_a_damaged_exif_turns_nothing() -> None:
    jpeg = file(noise(16, 8), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12")

    assert pixels(jpeg).shape == (8, 16, 3)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "GIF", "WEBP"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_a_file_that_ends_early_is_refused(form: str, part: float) -> None:
    data = file(noise(64, 64), form).data

    with pytest.raises(BadMedia):
        pixels(Picture(data=data[: int(len(data) * part)]))


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\xff\xd8\xff", b"GIF89a", b"BM", b"not a picture" * 9]
)
def test_bytes_that_are_no_picture_are_refused(data: bytes) -> None:
    with pytest.raises(BadMedia):
        pixels(Picture(data=data))


def test_any_flipped_byte_gives_pixels_or_a_refusal() -> None:
    random = np.random.default_rng(2)
    for form in ("JPEG", "PNG", "GIF", "WEBP", "BMP"):
        data = bytes(file(noise(32, 32), form).data)
        for _ in range(60):
            broken = bytearray(data)
            for place in random.integers(0, len(data), 3):
                broken[place] = int(random.integers(0, 256))
            try:
                found = pixels(Picture(data=bytes(broken)), megapixels=1)
            except BadMedia:
                continue
            assert found.shape[2] == 3


def test_a_file_of_twenty_thousand_by_twenty_thousand_pixels_is_refused_unread() -> None:
    with pytest.raises(BadMedia, match="more than 64 million pixels"):
        pixels(Picture(data=png_of(20_000, 20_000)))


def test_a_bomb_a_little_above_the_bound_is_refused_with_its_size() -> None:
    with pytest.raises(BadMedia, match="8001 x 8000 are more than 64 million"):
        pixels(Picture(data=png_of(8_001, 8_000)))


def test_the_bound_is_the_manifests_to_set() -> None:
    picture = file(Image.new("L", (1_500, 1_000)))

    assert pixels(picture, megapixels=2).shape == (1_000, 1_500, 3)
    with pytest.raises(BadMedia, match="more than 1 million"):
        pixels(picture, megapixels=1)


def test_raw_pixels_have_the_same_bound() -> None:
    with pytest.raises(BadMedia, match="16000 x 16000"):
        pixels(Picture(data=b"", raw=ImageFormat(width=16_000, height=16_000)))


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_reduced_while_it_is_decoded_and_keeps_its_size_in_words(
    orientation: int,
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = file(noise(1600, 800), "JPEG", exif=exif)

    whole, reduced = image_of(picture), image_of(picture, enough=200)

    size = (1600, 800) if orientation == 1 else (800, 1600)
    assert (
        (whole.width, whole.height) == (reduced.width, reduced.height) == whole.image.size == size
    )
    assert reduced.image.size == (size[0] // 4, size[1] // 4)


def test_a_picture_that_is_small_already_is_not_reduced() -> None:
    assert image_of(file(noise(300, 300), "JPEG"), enough=200).image.size == (300, 300)
    assert image_of(file(noise(900, 900), "PNG"), enough=200).image.size == (900, 900)


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (4, 4), RED), Image.new("RGB", (4, 4), BLUE)]

    found = pixels(file(frames[0], "GIF", save_all=True, append_images=frames[1:]))

    assert found[0, 0].tolist() == list(RED)
