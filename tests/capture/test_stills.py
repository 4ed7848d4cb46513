"""Frames become picture files, in a worker of their own."""

import asyncio
import io

import pytest
from PIL import Image

from edged.capture.still_worker import StillWorker
from edged.capture.stills import Stills
from edged.errors import BadRequest
from edged.media import ImageFormat, Picture

SIZE = ImageFormat(width=64, height=32)
RED = Picture(data=b"\xff\0\0" * 64 * 32, raw=SIZE)


def test_a_frame_is_a_file_that_shows_the_same() -> None:
    still = StillWorker().encode(RED)

    assert (still.media_type, still.width, still.height) == ("image/webp", 64, 32)
    with Image.open(io.BytesIO(bytes(still.data))) as picture:
        assert picture.format == "WEBP"
        red, green, blue = picture.convert("RGB").resize((1, 1)).tobytes()
    assert red > 240
    assert max(green, blue) < 10


@pytest.mark.parametrize(
    "picture",
    [
        Picture(data=b"JPEG"),
        Picture(
            data=b"\0" * 64 * 32 * 4, raw=ImageFormat(width=64, height=32, pixel_format="rgba")
        ),
        Picture(data=b"\0" * 100, raw=SIZE),
        Picture(data=b"\0" * 64 * 32 * 3, raw=ImageFormat(width=64, height=32, stride=200)),
    ],
)
def test_what_is_no_frame_is_refused(picture: Picture) -> None:
    with pytest.raises(BadRequest):
        StillWorker().encode(picture)


def test_the_worker_starts_with_the_first_frame_and_ends_when_it_is_closed() -> None:
    async def scenario() -> None:
        stills = Stills()
        first, second = await asyncio.gather(stills.encode(RED), stills.encode(RED))
        worker = stills._shared.worker
        assert worker is not None
        assert worker.alive
        await stills.close()

        assert bytes(first.data) == bytes(second.data)
        assert not worker.alive

    asyncio.run(scenario())
