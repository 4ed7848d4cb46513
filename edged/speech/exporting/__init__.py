"""The transcript of a session in the formats of other programs. Pure functions."""

from collections.abc import Callable, Mapping

from edged.messages.sessions import ExportFormat
from edged.speech.exporting import document, markdown, rttm, srt, textgrid, vtt
from edged.speech.exporting.told import Told

FORMATS: Mapping[ExportFormat, tuple[Callable[[Told], str], str, str]] = {
    "srt": (srt.write, "application/x-subrip", "srt"),
    "vtt": (vtt.write, "text/vtt", "vtt"),
    "textgrid": (textgrid.write, "text/plain", "TextGrid"),
    "rttm": (rttm.write, "text/plain", "rttm"),
    "json": (document.write, "application/json", "json"),
    "markdown": (markdown.write, "text/markdown", "md"),
}
"""How each is written, its media type, and the usual ending of its file's name."""
