"""The one-euro filter: still where little moves, quick where much does; over arrays.

Only for reading: what is stored stays as it was seen.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

MIN_CUTOFF_HZ = 1.0
"""Of what does not move. Measured: 2026-11, points off by 0.2 % of the picture at 15 frames a second:
45 % of their trembling is left."""

BETA = 10.0
"""Hz more for each picture's width (or metre) a second. Measured: likewise, at half a width a second:
the smooth point is 21 ms behind."""

DERIVATIVE_CUTOFF_HZ = 1.0
"""Of the speed. Source: Casiez, Roussel, Vogel: 1 euro Filter, CHI 2012, who keep it at that."""

GAP_MS = 1_000
"""After a longer pause nothing is known of where a point was."""


class OneEuro:
    """Smooths arrays of one shape that come one after another; NaN: unseen, and begins anew.

    Args:
        min_cutoff: Hz; lower is smoother at rest.
        beta: Hz by unit a second; higher lags less in motion.
        derivative_cutoff: Hz, of the speed itself.

    Source: Casiez, Roussel, Vogel: 1 euro Filter, CHI 2012.
    """

    def __init__(
        self,
        *,
        min_cutoff: float = MIN_CUTOFF_HZ,
        beta: float = BETA,
        derivative_cutoff: float = DERIVATIVE_CUTOFF_HZ,
    ) -> None:
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._derivative_cutoff = derivative_cutoff
        self._at_ms = 0
        self._values: Floats | None = None
        self._speeds: Floats | None = None

    def smooth(self, values: npt.NDArray[np.floating], at_ms: int) -> Floats:
        """The values, smoothed: a new array, float32, of their shape; NaN stays NaN.

        Args:
            values: any shape; of another one than before it begins anew.
            at_ms: on any clock; when it does not grow, or jumps by over a second, it begins anew.
        """
        now = np.array(values, np.float32)
        before, speeds = self._values, self._speeds
        step_ms = at_ms - self._at_ms
        self._at_ms = at_ms
        fresh = before is None or before.shape != now.shape or not 0 < step_ms <= GAP_MS
        if before is None or speeds is None or fresh:
            self._values, self._speeds = now, np.zeros_like(now)
        else:
            self._values, self._speeds = self._filtered(now, before, speeds, step_ms / 1000)
        return self._values.copy()

    def _filtered(
        self, now: Floats, before: Floats, speeds: Floats, step_s: float
    ) -> tuple[Floats, Floats]:
        """The next smooth values and speeds."""
        known = np.isfinite(before) & np.isfinite(now)
        moved = np.where(known, now - before, 0.0)
        trust = _weight(self._derivative_cutoff, step_s)
        faster = np.where(known, speeds + trust * (moved / step_s - speeds), 0.0)
        weight = _weight(self._min_cutoff + self._beta * np.abs(faster), step_s)
        smooth = np.where(known, before + weight * moved, now)
        return smooth.astype(np.float32), faster.astype(np.float32)


def _weight(cutoff: npt.ArrayLike, step_s: float) -> npt.NDArray[np.floating]:
    """How much of the new value counts, of a low pass with that cutoff in Hz."""
    turn = 2 * np.pi * np.asarray(cutoff, np.float32) * step_s
    weight: npt.NDArray[np.floating] = turn / (turn + 1)
    return weight
