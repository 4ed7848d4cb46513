"""Drawings of what was seen: of pictures, of videos, of a camera without its pixels."""

import errno
import io
from pathlib import Path

import av
import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image
from seen_frames import HAND, MASK, MASK_DATA, MASK_PART, seen

from edged.cli.seeing import canvases
from edged.errors import BadMedia, BadRequest
from edged.messages.seeing import Face, Look, MaskFacts, PartFacts, See, Seen

WIDTH, HEIGHT = 64, 48
SEGMENT = Look(task="segment")


def asked(path: Path, *, fps: float | None = None) -> See:
    return See(look=Look(task="face"), path=str(path), fps=fps)


def at(x: float, y: float, **facts: int) -> Seen:
    """A frame with a face of which all points lie at one place."""
    face = Face(landmarks=((x, y),) * 6)
    frame = replace(seen("face"), width=WIDTH, height=HEIGHT, faces=(face,))
    return replace(frame, **facts)


def picture(kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), "black").save(file, kind, **options)
    return file.getvalue()


def movie(path: Path, greys: tuple[int, ...]) -> Path:
    """A video of even frames, 100 ms each."""
    with path.open("wb") as file:
        stream = canvases.Mp4(file)
        for number, grey in enumerate(greys):
            stream.add(np.full((HEIGHT, WIDTH, 3), grey, np.uint8), number * 100)
        stream.close()
    return path


def pixels(path: Path) -> np.ndarray:
    """Of a picture, in RGB."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def frames(path: Path) -> list[tuple[int, np.ndarray]]:
    """Times in milliseconds and pixels."""
    with av.open(str(path)) as container:
        return [
            (round(float(frame.time or 0) * 1000), frame.to_ndarray(format="rgb24"))
            for frame in container.decode(video=0)
        ]


def test_points_are_drawn_where_they_were_seen(tmp_path: Path) -> None:
    source, out = tmp_path / "me.png", tmp_path / "out.png"
    source.write_bytes(picture())

    with canvases.opened(str(out), asked(source), b"", force=False) as canvas:
        canvas.add(at(0.75, 0.25), ())
        canvas.keep()

    drawn = pixels(out)
    lit = np.argwhere(drawn.sum(axis=2) > 100)
    assert drawn.shape == (HEIGHT, WIDTH, 3)
    assert abs(lit - (HEIGHT * 0.25, WIDTH * 0.75)).max() <= 3


def test_a_picture_on_stdin_lies_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6

    out = tmp_path / "out.jpg"
    with canvases.opened(
        str(out), See(look=SEGMENT), picture("JPEG", exif=exif), force=False
    ) as canvas:
        canvas.add(at(0.5, 0.5, width=HEIGHT, height=WIDTH), ())
        canvas.keep()

    assert pixels(out).shape == (WIDTH, HEIGHT, 3)


def test_a_mask_is_written_in_grey_and_a_cutout_as_it_came(tmp_path: Path) -> None:
    cutout = io.BytesIO()
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(cutout, "PNG")
    data = cutout.getvalue()
    facts = PartFacts(of="picture", dtype="uint8", shape=(len(data),), size_bytes=len(data))
    told = MaskFacts(kind="picture", width=2, height=2, media_type="image/png")
    replies = {
        "mask.png": (replace(seen("segment"), masks=(MASK,), parts=(MASK_PART,)), MASK_DATA),
        "cutout.png": (replace(seen("segment"), masks=(told,), parts=(facts,)), data),
        "flat.jpg": (replace(seen("segment"), masks=(told,), parts=(facts,)), data),
    }

    for name, (reply, part) in replies.items():
        with canvases.opened(
            str(tmp_path / name), See(look=SEGMENT), picture(), force=False
        ) as canvas:
            canvas.add(reply, (part,))
            canvas.keep()

    assert pixels(tmp_path / "mask.png")[:, :, 0].tolist() == [[255, 255], [0, 0]]
    assert (tmp_path / "cutout.png").read_bytes() == data
    assert pixels(tmp_path / "flat.jpg").min() > 250


def test_a_video_is_drawn_frame_by_frame_at_its_times(tmp_path: Path) -> None:
    source, out = movie(tmp_path / "in.mp4", (0, 60, 120, 180)), tmp_path / "out.mp4"

    with canvases.opened(str(out), asked(source), b"", force=False) as canvas:
        for number in (0, 2, 3):
            canvas.add(at(0.5, 0.5, frame_id=number, captured_at_ms=number * 100), ())
        canvas.keep()

    drawn = frames(out)
    assert [ms for ms, _ in drawn] == [0, 200, 300]
    assert [round(float(one[:8, :8].mean()), -1) for _, one in drawn] == [0, 120, 180]
    assert all(one[24, 32].tolist() != one[4, 4].tolist() for _, one in drawn)


def test_frames_that_were_left_out_are_left_out_here_too(tmp_path: Path) -> None:
    source, out = movie(tmp_path / "in.mp4", (0, 60, 120, 180)), tmp_path / "out.mp4"

    with canvases.opened(str(out), asked(source, fps=5), b"", force=False) as canvas:
        for number in (0, 1):
            canvas.add(at(2.0, 2.0, frame_id=number, captured_at_ms=number * 200), ())
        canvas.keep()

    assert [round(float(one.mean()), -1) for _, one in frames(out)] == [0, 120]


def test_a_cameras_frames_are_drawn_on_a_plain_ground(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    began = 1_795_248_000_000

    with canvases.opened(str(out), None, b"", force=False) as canvas:
        for number in range(3):
            canvas.add(at(0.5, 0.5, frame_id=number, captured_at_ms=began + number * 66), ())
        canvas.keep()

    drawn = frames(out)
    assert [ms for ms, _ in drawn] == [0, 66, 132]
    assert abs(drawn[0][1][4, 4].astype(int) - canvases.GROUND).max() < 8


@pytest.mark.parametrize("codec", canvases.CODECS)
@pytest.mark.parametrize("size", [(1, 1), (47, 63), (48, 64)])
def test_odd_sizes_are_made_even(
    size: tuple[int, int], codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canvases, "CODECS", (codec,))
    path = tmp_path / "out.mp4"

    with path.open("wb") as file:
        stream = canvases.Mp4(file)
        stream.add(np.full((*size, 3), 200, np.uint8), 0)
        stream.add(np.full((96, 96, 3), 200, np.uint8), 0)  # a camera may change its size
        stream.close()

    (first, one), (second, other) = frames(path)
    assert one.shape == other.shape == (size[0] + size[0] % 2, size[1] + size[1] % 2, 3)
    assert (first, second) == (0, 1)
    assert abs(one.astype(int) - 200).max() < 12


@pytest.mark.parametrize(("name", "why"), [("out.mp4", "no movie"), ("out.png", "as a movie")])
def test_a_picture_is_no_movie_and_a_video_no_picture(name: str, why: str, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(picture()) if name == "out.mp4" else movie(source, (0, 9))

    with (
        pytest.raises(BadRequest, match=why),
        canvases.opened(str(tmp_path / name), asked(source), b"", force=False),
    ):
        pass

    assert [one.name for one in tmp_path.iterdir()] == ["in"]


def test_a_drawing_replaces_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    source, out = tmp_path / "me.png", tmp_path / "out.png"
    source.write_bytes(picture())
    out.write_bytes(b"precious")

    with (
        pytest.raises(BadRequest, match="exists"),
        canvases.opened(str(out), asked(source), b"", force=False),
    ):
        pass
    with canvases.opened(str(out), asked(source), b"", force=True) as canvas:
        canvas.add(replace(seen("hands"), hands=(HAND,)), ())

    assert out.read_bytes() == b"precious"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["me.png", "out.png"]


def test_a_picture_that_a_kind_of_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    source, out = tmp_path / "wide.png", tmp_path / "out.webp"
    Image.new("L", (16_384, 1)).save(source)

    with (
        canvases.opened(str(out), asked(source), b"", force=False) as canvas,
        pytest.raises(BadRequest, match="cannot be written as WEBP"),
    ):
        canvas.add(seen("face"), ())

    assert not out.exists()


class FullDisk(io.BytesIO):
    """Takes nothing."""

    def write(self, data: object) -> int:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        del data
        raise OSError(errno.ENOSPC, "no space left on device")


def test_a_movie_on_a_full_disk_is_refused() -> None:
    stream = canvases.Mp4(FullDisk())

    with pytest.raises(BadRequest, match="cannot be written as MP4"):
        for number in range(40):
            stream.add(np.full((HEIGHT, WIDTH, 3), 9, np.uint8), number)
        stream.close()


def test_a_video_without_a_frame_is_no_movie(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"

    with (
        canvases.opened(str(out), None, b"", force=False) as canvas,
        pytest.raises(BadRequest, match="no frame"),
    ):
        canvas.keep()

    assert not out.exists()


def test_what_is_no_picture_and_no_video_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(b"no picture at all")

    with (
        pytest.raises(BadMedia),
        canvases.opened(str(tmp_path / "out.mp4"), asked(source), b"", force=False),
    ):
        pass
    with (
        pytest.raises(BadRequest, match="cannot be read"),
        canvases.opened(str(tmp_path / "out.png"), asked(tmp_path / "none"), b"", force=False),
    ):
        pass
