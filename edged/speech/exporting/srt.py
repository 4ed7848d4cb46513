"""SubRip subtitles (.srt).

Source: no standard; as VLC and FFmpeg read it. There are no escapes, so that what would be a tag or
an arrow is written with characters that look alike.
"""

from edged.speech.exporting.told import Line, Told, clock

_ALIKE = str.maketrans({"<": "\u2039", ">": "\u203a", "{": "(", "}": ")"})


def write(told: Told) -> str:
    """The lines as numbered subtitles, `Name: ` before those whose speaker is known."""
    return "\n".join(_cue(number, line) for number, line in enumerate(told.spoken, 1))


def _cue(number: int, line: Line) -> str:
    start, end = (clock(moment, point=",") for moment in (line.start_ms, line.end_ms))
    name = f"{line.speaker}: " if line.speaker else ""
    return f"{number}\n{start} --> {end}\n{(name + line.text).translate(_ALIKE)}\n"
