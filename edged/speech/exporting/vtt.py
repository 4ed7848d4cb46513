"""WebVTT captions (.vtt). Source: w3.org/TR/webvtt1, sections 4.1 and 4.2."""

from edged.speech.exporting.told import Line, Told, clock

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def write(told: Told) -> str:
    """The lines as cues; whoever speaks is a voice span."""
    return "".join(("WEBVTT\n", *(_cue(line) for line in told.spoken)))


def _cue(line: Line) -> str:
    voice = f"<v {line.speaker.translate(_ESCAPES)}>" if line.speaker else ""
    text = voice + line.text.translate(_ESCAPES)
    return f"\n{clock(line.start_ms)} --> {clock(line.end_ms)}\n{text}\n"
