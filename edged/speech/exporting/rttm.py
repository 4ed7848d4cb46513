"""Rich Transcription Time Marked (.rttm): who spoke when.

Source: NIST, The 2009 Rich Transcription Meeting Recognition Evaluation Plan, appendix A.
"""

from edged.speech.exporting.told import Told, Turn, seconds


def write(told: Told) -> str:
    """The turns, by label; where there are none, the lines whose speaker is known.

    The session is the file; its recordings are channels from 1 on. White space in a label, which
    the format has no way to write, is an underscore.
    """
    channels = {recording: number for number, recording in enumerate(told.recordings, 1)}
    return "".join(
        f"SPEAKER {told.session_id} {channels.get(turn.recording_id, 1)} {seconds(turn.start_ms)} "
        f"{seconds(turn.end_ms - turn.start_ms)} <NA> <NA> {_label(turn.speaker)} <NA> <NA>\n"
        for turn in told.turns or _of_lines(told)
    )


def _of_lines(told: Told) -> list[Turn]:
    return [
        Turn(
            start_ms=line.start_ms,
            end_ms=line.end_ms,
            speaker=line.segment.speaker,
            recording_id=line.recording_id,
        )
        for line in told.lines
        if line.segment.speaker
    ]


def _label(label: str) -> str:
    return "_".join(label.split())
