"""Sound of any length through a model that takes windows: cut, run, and faded into each other.

Neighbouring windows share `overlap` frames, over which the older fades out and the newer fades in;
the weights sum to 1, so a model that changes nothing changes nothing here either. numpy; workers only.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float32]
"""Frames of one piece, shape (channels, frames), full scale 1.0."""

Stems = npt.NDArray[np.float32]
"""The same frames of every stem, shape (stems, channels, frames)."""


class OverlapAdd:
    """One piece of sound on its way; memory is one window and what was fed last.

    Args:
        window: frames that the model is given. overlap: of them, shared with the next window.
        run: the model: (channels, frames) to (stems, channels, frames) of the same length.
        whole: the model takes nothing but whole windows: the last one is filled with silence.
    """

    def __init__(
        self, *, window: int, overlap: int, run: Callable[[Sound], Stems], whole: bool
    ) -> None:
        self._window = window
        self._overlap = overlap
        self._run = run
        self._whole = whole
        self._waiting: Sound | None = None
        self._tail: Stems | None = None
        self._fade = (np.arange(overlap, dtype=np.float32) + np.float32(0.5)) / np.float32(overlap)

    def feed(self, sound: Sound) -> list[Stems]:
        """Add frames; what is finished by now, in order."""
        waiting = sound if self._waiting is None else np.hstack((self._waiting, sound))
        finished = []
        while waiting.shape[1] >= self._window:
            stems = self._joined(self._run(np.ascontiguousarray(waiting[:, : self._window])))
            hop = self._window - self._overlap
            finished.append(stems[..., :hop])
            self._tail = stems[..., hop:]
            waiting = waiting[:, hop:]
        self._waiting = waiting
        return finished

    def finish(self) -> list[Stems]:
        """The rest; the whole has the length of what was fed."""
        waiting, tail = self._waiting, self._tail
        self._waiting = None
        if waiting is None or not waiting.shape[1]:
            return []
        if tail is not None and waiting.shape[1] == self._overlap:
            self._tail = None
            return [tail]  # nothing came behind the last window
        finished = self._joined(self._last(waiting))
        self._tail = None
        return [finished]

    def _last(self, rest: Sound) -> Stems:
        frames = rest.shape[1]
        missing = self._window - frames if self._whole else 0
        filled = np.pad(rest, ((0, 0), (0, missing)))
        return self._run(np.ascontiguousarray(filled))[..., :frames]

    def _joined(self, stems: Stems) -> Stems:
        """A window's stems, faded in over the end of the window before."""
        if self._tail is None:
            return stems
        shared = self._overlap
        stems = stems.copy()
        stems[..., :shared] = self._tail * (1 - self._fade) + stems[..., :shared] * self._fade
        return stems
