"""A voice that says "we are": the fixed question of every recogniser's canary, without a file.

Three resonators in a row, driven by a 120-to-100-Hz buzz, glide from vowel to vowel.
Source: D. Klatt, Software for a cascade/parallel formant synthesizer, JASA 67 (1980); the formants
of G. Peterson and H. Barney, JASA 24 (1952).
"""

import math
import struct
from functools import cache

from edged.media import SPEECH_RATE

_Formants = tuple[float, float, float]
"""Hz."""

_WE_ARE: tuple[_Formants, ...] = (
    (290, 610, 2150),
    (270, 2290, 3010),
    (730, 1090, 2440),
    (310, 1060, 1380),
    (310, 1060, 1380),
)
_GLIDE_S = 0.12
_SILENCE_S = 0.15
_BANDWIDTHS: _Formants = (60, 90, 150)
_FADE_IN_S = 0.05
_FADE_OUT_S = 0.1
_PEAK = 6000


@cache
def we_are() -> bytes:
    """0.78 s of mono s16le at 16 kHz, with silence around the two words."""
    length = round((len(_WE_ARE) - 1) * _GLIDE_S * SPEECH_RATE)
    wave = _buzz(length)
    for formant, bandwidth in enumerate(_BANDWIDTHS):
        wave = _resonate(wave, formant, bandwidth)
    fade_in, fade_out = _FADE_IN_S * SPEECH_RATE, _FADE_OUT_S * SPEECH_RATE
    wave = [x * min(1, n / fade_in, (length - n) / fade_out) for n, x in enumerate(wave)]
    peak = max(map(abs, wave))
    silence = bytes(2 * round(_SILENCE_S * SPEECH_RATE))
    voiced = struct.pack(f"<{length}h", *(round(x / peak * _PEAK) for x in wave))
    return silence + voiced + silence


def _buzz(length: int) -> list[float]:
    """One at each opening of the vocal folds, zero between."""
    wave, phase = [], 0.0
    for n in range(length):
        phase += 110 * (1.1 - 0.2 * n / length) / SPEECH_RATE
        wave.append(float(phase >= 1))
        phase %= 1
    return wave


def _resonate(wave: list[float], formant: int, bandwidth: float) -> list[float]:
    radius = math.exp(-math.pi * bandwidth / SPEECH_RATE)
    shaped, last, before_last = [], 0.0, 0.0
    for n, x in enumerate(wave):
        turn = 2 * radius * math.cos(2 * math.pi * _frequency(n, formant) / SPEECH_RATE)
        square = radius * radius
        last, before_last = (1 - turn + square) * x + turn * last - square * before_last, last
        shaped.append(last)
    return shaped


def _frequency(sample: int, formant: int) -> float:
    """Hz of a formant at a sample, between two vowels in proportion."""
    glide, way = divmod(sample / SPEECH_RATE / _GLIDE_S, 1)
    begin, end = _WE_ARE[int(glide)][formant], _WE_ARE[int(glide) + 1][formant]
    return begin + (end - begin) * way
