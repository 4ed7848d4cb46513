"""How far the whole work is: each stage has a range of its own."""

from edged.messages.replies import Progress

RANGES = {
    "join": (0.00, 0.10),
    "diarize": (0.10, 0.40),
    "transcribe": (0.40, 0.85),
    "save": (0.85, 0.95),
    "samples": (0.95, 1.00),
}
"""Stages in order, with their shares of the whole."""

FEELING_SHARE = 0.2
"""Of `transcribe`, where there is a model for emotions: they come after the words."""


class Stages:
    """How far each stage is, for one session; what is told never goes back.

    Args:
        audio_ms: of all recordings together, as far as it is known.
        feels: whether emotions are looked for.
    """

    def __init__(self, *, audio_ms: int = 0, feels: bool = False) -> None:
        self.audio_ms = audio_ms
        self._feels = feels
        self._done: dict[str, float] = dict.fromkeys(RANGES, 0.0)
        self._told = 0.0

    def note(self, stage: str, fraction: float, *, place: int = 0, places: int = 1) -> None:
        """A stage is so far with one of several recordings.

        Args:
            stage: one of RANGES, or `feel`, a part of `transcribe`.
            fraction: of this recording, in [0, 1].
            place: which recording.
            places: how many there are.
        """
        whole = (place + fraction) / places
        words = 1 - FEELING_SHARE if self._feels else 1.0
        if stage == "feel":
            stage, whole = "transcribe", words + (1 - words) * whole
        elif stage == "transcribe":
            whole *= words
        self._done[stage] = max(self._done[stage], min(1.0, whole))

    def enter(self, stage: str) -> None:
        """Everything before a stage is done."""
        for name in RANGES:
            if name == stage:
                return
            self._done[name] = 1.0

    @property
    def progress(self) -> Progress:
        """The first stage that is not done, and the whole."""
        stage = next((name for name in RANGES if self._done[name] < 1), "samples")
        shares = (self._done[name] * (end - start) for name, (start, end) in RANGES.items())
        self._told = max(self._told, min(1.0, sum(shares)))
        return Progress(
            stage=stage,
            fraction=self._told,
            done_ms=round(self._told * self.audio_ms),
            audio_ms=self.audio_ms,
        )
