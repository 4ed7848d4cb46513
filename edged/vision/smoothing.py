"""The one-euro filter: still where little moves, quick where much does; over arrays."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

MIN_CUTOFF_HZ = 1.5
BETA = 0.5
DERIVATIVE_CUTOFF_HZ = 1.0


class OneEuro:
    """Smooths arrays of one shape that come one after another; NaN: unseen, and begins anew.

    Args:
        min_cutoff: Hz; lower is smoother at rest.
        beta: higher lags less in motion.
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
        """The values, smoothed: float32 of their shape; NaN stays NaN.

        Args:
            values: any shape, the same each time.
            at_ms: on any clock; grows.
        """
        now = np.asarray(values, np.float32)
        if self._values is None or self._speeds is None or at_ms <= self._at_ms:
            self._values, self._speeds, self._at_ms = now, np.zeros_like(now), at_ms
            return now
        step_s = (at_ms - self._at_ms) / 1000
        known = np.isfinite(self._values)
        moved = np.where(known, now - self._values, 0.0) / step_s
        speeds = self._speeds + _weight(self._derivative_cutoff, step_s) * (moved - self._speeds)
        weight = _weight(self._min_cutoff + self._beta * np.abs(speeds), step_s)
        smooth = np.where(known, self._values + weight * (now - self._values), now)
        self._speeds = np.where(np.isfinite(smooth), speeds, 0.0).astype(np.float32)
        self._values, self._at_ms = smooth.astype(np.float32), at_ms
        return self._values


def _weight(cutoff: npt.ArrayLike, step_s: float) -> npt.NDArray[np.floating]:
    """How much of the new value counts, of a low pass with that cutoff in Hz."""
    turn = 2 * np.pi * np.asarray(cutoff) * step_s
    weight: npt.NDArray[np.floating] = turn / (turn + 1)
    return weight


def smoothed(times_ms: npt.NDArray[np.integer], points: npt.NDArray[np.floating]) -> Floats:
    """Points of many frames, smoothed along the first axis: float32, (n, ...); NaN: unseen."""
    euro = OneEuro()
    rows = [euro.smooth(row, int(at)) for at, row in zip(times_ms, points, strict=True)]
    return np.stack(rows) if rows else np.asarray(points, np.float32)
