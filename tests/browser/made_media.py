"""What the browser's made-up microphone hears and its camera sees; made anew, nothing is kept."""

import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image

SAID = "the coffee is on the kitchen table"
"""What PocketSphinx hears rightly of the voice `slt`."""

BEFORE = "we meet again on monday morning at nine"
RATE = 48_000
PAUSE_S = 1.2
"""Longer than what ends an utterance."""


def speech(target: Path, *sentences: str) -> Path:
    """Sentences with a pause after each, as WAV in the rate that Chromium's device has."""
    quiet = np.zeros(int(RATE * PAUSE_S), np.int16)
    spoken = [part for text in sentences or (SAID,) for part in (_sentence(target, text), quiet)]
    with wave.open(str(target), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.concatenate([quiet[: RATE // 4], *spoken]).tobytes())
    return target


def _sentence(target: Path, text: str) -> npt.NDArray[np.int16]:
    raw = target.with_suffix(".raw.wav")
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(raw)], check=True, timeout=20)
    with wave.open(str(raw)) as source:
        rate = source.getframerate()
        said = np.frombuffer(source.readframes(source.getnframes()), np.int16)
    raw.unlink()
    times = np.arange(int(len(said) * RATE / rate)) * rate / RATE
    resampled: npt.NDArray[np.int16] = np.interp(times, np.arange(len(said)), said).astype(np.int16)
    return resampled


def portrait(target: Path, *, frames: int = 4) -> Path:
    """Head and shoulders of a photograph in the public domain, 640 x 480, as YUV4MPEG2."""
    pixels = skimage.data.astronaut()[:384, :512]  # type: ignore[no-untyped-call] # the package has no types
    picture = Image.fromarray(pixels).resize((640, 480))
    planes = [np.asarray(plane) for plane in picture.convert("YCbCr").split()]
    luma = planes[0].tobytes()
    chroma = b"".join(plane[::2, ::2].tobytes() for plane in planes[1:])
    frame = b"FRAME\n" + luma + chroma
    target.write_bytes(b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n" + frame * frames)
    return target


def has_flite() -> bool:
    """Whether speech can be made here."""
    return shutil.which("flite") is not None
