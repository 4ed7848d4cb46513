"""How quickly captions are made here, and so how long a backlog takes."""

_WEIGHT = 0.3
"""Of the newest measurement: after five the first hardly counts."""


class Pace:
    """Learns from every recognition. Pure."""

    def __init__(self) -> None:
        self._factor: float | None = None

    @property
    def known(self) -> bool:
        """Whether anything was recognised yet."""
        return self._factor is not None

    def note(self, audio_ms: int, took_s: float) -> None:
        """A stretch of audio took so many seconds to recognise."""
        if audio_ms <= 0:
            return
        factor = took_s * 1000 / audio_ms
        before = factor if self._factor is None else self._factor
        self._factor = before + _WEIGHT * (factor - before)

    def cost_s(self, audio_ms: int) -> float:
        """How long a stretch will take; 0 while nobody knows."""
        return (self._factor or 0.0) * audio_ms / 1000

    def eta_ms(self, backlog_ms: int) -> int | None:
        """When a backlog will be done, if nothing is added; None while nobody knows."""
        if not backlog_ms:
            return 0
        return None if self._factor is None else round(self._factor * backlog_ms)
