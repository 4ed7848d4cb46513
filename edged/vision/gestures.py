"""Says which gesture a hand shows, by rules over its 21 points; over arrays, in workers only.

A rule is a set of conditions, each between 0 (not so) and 1 (clearly so); the least of them counts.
The borders are angles and lengths of a hand as such, not fitted to pictures; what was measured of
them is in docs/SEEING.md.
"""

import numpy as np
import numpy.typing as npt

from edged.vision.names import Gesture

Floats = npt.NDArray[np.floating]

SURE = 0.5
"""From here on a rule holds."""

STRAIGHT, BENT = 70.0, 150.0
"""Degrees by which a finger turns: at its root, on the way from the wrist to its tip, and at its middle
joint, on the way from root to tip. A stretched one about 20 in sum, in a fist 280. Two angles between
long lines: those at all joints in sum are twice as unsure, since points are some millimetres off."""

FLAT, CURLED = 50.0, 90.0
"""Likewise at its middle joint alone: a finger that is only laid forward turns little there, in a fist
130."""

SHORT, LONG = 0.9, 1.2
"""From wrist to tip, by wrist to middle joint: a stretched finger about 1.35, in a fist 0.7."""

THUMB_STRAIGHT, THUMB_BENT = 40.0, 70.0
"""Degrees by which a thumb turns on the way from its middle joint to its tip: stretched about 20,
hooked 80. Where its tip is tells more."""

BESIDE, OUT = 0.1, 0.5
"""Breadths of the palm by which a thumb's tip lies outside the index finger's root."""

OVER_PALM, BESIDE_PALM = -0.3, 0.1
"""Likewise, of an open hand's thumb: `four` has it before the palm, at -0.5."""

TOGETHER, APART = 4.0, 12.0
"""Degrees between two stretched fingers."""

SLANTED, UPRIGHT = 0.5, 0.866
"""Cosines of 60 and of 30 degrees from straight up."""

_FINGERS = np.array([(5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20)])
"""Index, middle, ring and little finger, each from its root to its tip."""

_AT_ROOTS = np.column_stack([np.zeros(4, int), _FINGERS[:, 0], _FINGERS[:, 3]])
_AT_MIDDLES = _FINGERS[:, [0, 1, 3]]
"""The lines between which a finger turns."""

_WRIST = 0
_THUMB = np.array([1, 2, 3, 4])
_INDEX_ROOT, _LITTLE_ROOT = 5, 17
_LEAST = 1e-9


def gesture_of(points: Floats, world: Floats | None, aspect: float) -> tuple[Gesture, float]:
    """The gesture of a hand (empty: none of the seven), and how clearly, in [0, 1].

    The clearness is a rule's least condition, not a probability; of no gesture it is what the best
    rule lacks. Left and right hands, palms and backs are alike. `Up` is the picture's.

    Args:
        points: x, y, z as fractions of the picture, shape (21, 3); NaN gives no gesture.
        world: metres, shape (21, 3), or None; both count when both are there.
        aspect: width by height of the picture.
    """
    flat = np.asarray(points, np.float64) * (aspect, 1.0, aspect)
    forms = np.stack([flat] if world is None else [flat, np.asarray(world, np.float64)])
    if not float(np.ptp(forms, axis=1).max(axis=1).min()) > _LEAST:  # also of NaN
        return "", 0.0
    rules = _rules(forms, flat)
    name, clear = max(rules.items(), key=lambda rule: rule[1])
    return (name, clear) if clear >= SURE else ("", 1.0 - clear)


def _rules(forms: Floats, flat: Floats) -> dict[Gesture, float]:
    """How clearly each gesture is shown; forms: the same hand, shape (1 or 2, 21, 3)."""
    out, in_ = _fingers(forms)
    index, middle, _, little = out
    straight, beside = _thumb_straight(forms), _beside(forms)
    thumb = min(straight, _rise(beside, BESIDE, OUT))
    thumb_up, index_up = _up(flat, _THUMB[1:]), _up(flat, _FINGERS[0])
    return {
        "Closed_Fist": min(*in_, 1 - thumb),
        "Open_Palm": min(*out, straight, _rise(beside, OVER_PALM, BESIDE_PALM)),
        "Pointing_Up": min(index, *in_[1:], 1 - thumb, _rise(index_up, SLANTED, UPRIGHT)),
        "Thumb_Up": min(*in_, thumb, _rise(thumb_up, SLANTED, UPRIGHT)),
        "Thumb_Down": min(*in_, thumb, _rise(-thumb_up, SLANTED, UPRIGHT)),
        "Victory": min(index, middle, *in_[2:], 1 - thumb, _rise(_spread(forms), TOGETHER, APART)),
        "ILoveYou": min(thumb, index, *in_[1:3], little),
    }


def _fingers(forms: Floats) -> tuple[list[float], list[float]]:
    """How clearly each finger is stretched, and how clearly it is folded in."""
    middles = _bends(forms[:, _AT_MIDDLES]).mean(axis=0)[:, 0]
    sums = _bends(forms[:, _AT_ROOTS]).mean(axis=0)[:, 0] + middles
    whole, own = sums.tolist(), middles.tolist()
    reach = _reach(forms)
    out = [
        min(_rise(-turned, -BENT, -STRAIGHT), _rise(long, SHORT, LONG))
        for turned, long in zip(whole, reach, strict=True)
    ]
    in_ = [
        min(_rise(turned, STRAIGHT, BENT), _rise(bent, FLAT, CURLED), _rise(-long, -LONG, -SHORT))
        for turned, bent, long in zip(whole, own, reach, strict=True)
    ]
    return out, in_


def _bends(chains: Floats) -> Floats:
    """Degrees by which chains of points turn at each joint; (..., points, 3) gives (..., points - 2)."""
    bones = np.diff(chains, axis=-2)
    bones /= np.maximum(_lengths(bones)[..., None], _LEAST)
    cosines = (bones[..., 1:, :] * bones[..., :-1, :]).sum(axis=-1)
    degrees: Floats = np.degrees(np.arccos(cosines.clip(-1.0, 1.0)))
    return degrees


def _reach(forms: Floats) -> list[float]:
    """From the wrist to each finger's tip, by the way to its middle joint."""
    away = _lengths(forms[:, _FINGERS[:, (1, 3)]] - forms[:, None, None, _WRIST])
    reach: list[float] = (away[..., 1] / np.maximum(away[..., 0], _LEAST)).mean(axis=0).tolist()
    return reach


def _thumb_straight(forms: Floats) -> float:
    turned = float(_bends(forms[:, _THUMB[[0, 1, 3]]]).mean())
    return _rise(-turned, -THUMB_BENT, -THUMB_STRAIGHT)


def _beside(forms: Floats) -> float:
    """How far the thumb's tip is outside the palm, along the line through the fingers' roots."""
    across = forms[:, _INDEX_ROOT] - forms[:, _LITTLE_ROOT]
    away = forms[:, _THUMB[3]] - forms[:, _INDEX_ROOT]
    return float(((away * across).sum(axis=1) / np.maximum(_lengths(across) ** 2, _LEAST)).mean())


def _spread(forms: Floats) -> float:
    """Degrees between index and middle finger."""
    index, middle = np.moveaxis(forms[:, _FINGERS[:2, 3]] - forms[:, _FINGERS[:2, 0]], 1, 0)
    path = np.stack([np.zeros_like(index), index, index + middle], axis=1)
    return float(_bends(path).mean())


def _up(flat: Floats, line: npt.NDArray[np.integer]) -> float:
    """Cosine of the angle between a line of points, from first to last, and straight up."""
    x, y = flat[line[-1], :2] - flat[line[0], :2]
    return float(-y / max(float(np.hypot(x, y)), _LEAST))


def _rise(value: float, low: float, high: float) -> float:
    """0 at low, 1 at high, straight between them."""
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _lengths(lines: Floats) -> Floats:
    lengths: Floats = np.sqrt((lines * lines).sum(axis=-1))
    return lengths
