"""Says which gesture a hand shows, by rules over its 21 points; over arrays, in workers only."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

_FINGERS = ((5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))
_THUMB = (1, 2, 3, 4)


SURE = 0.5


def gesture_of(points: Floats, world: Floats | None, aspect: float) -> tuple[str, float]:
    """The gesture of a hand (edged.vision.names.GESTURES; empty: none of them), and how sure.

    Args:
        points: x, y, z as fractions of the picture, shape (21, 3).
        world: metres, shape (21, 3), or None.
        aspect: width by height of the picture.
    """
    flat = np.asarray(points, np.float64) * (aspect, 1.0, aspect)
    solid = flat if world is None else np.asarray(world, np.float64)
    if not np.isfinite(flat).all() or not np.isfinite(solid).all():
        return "", 0.0
    open_ = np.array([_straight(solid, finger) for finger in _FINGERS])
    thumb = _thumb_out(solid)
    likely = _likelihoods(open_, thumb, _up(flat, (2, 4)), _up(flat, (5, 8)))
    name = max(likely, key=lambda gesture: likely[gesture])
    return (name, likely[name]) if likely[name] >= SURE else ("", 1 - likely[name])


def _likelihoods(open_: Floats, thumb: float, thumb_up: float, index_up: float) -> dict[str, float]:
    index, middle, ring, pinky = (float(one) for one in open_)
    fist = min(1 - index, 1 - middle, 1 - ring, 1 - pinky)
    return {
        "Closed_Fist": min(fist, 1 - thumb),
        "Open_Palm": min(thumb, index, middle, ring, pinky),
        "Pointing_Up": min(index, 1 - middle, 1 - ring, 1 - pinky, 1 - thumb, _is_up(index_up)),
        "Thumb_Up": min(fist, thumb, _is_up(thumb_up)),
        "Thumb_Down": min(fist, thumb, _is_up(-thumb_up)),
        "Victory": min(index, middle, 1 - ring, 1 - pinky, 1 - thumb),
        "ILoveYou": min(thumb, index, 1 - middle, 1 - ring, pinky),
    }


def _rise(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def _is_up(cosine: float) -> float:
    return _rise(cosine, 0.5, 0.9)


def _straight(solid: Floats, finger: tuple[int, int, int, int]) -> float:
    bones = np.diff(solid[[0, *finger]], axis=0)
    reach = float(np.linalg.norm(bones[1:].sum(axis=0)))
    length = float(np.linalg.norm(bones[1:], axis=1).sum())
    return _rise(reach / max(length, 1e-9), 0.65, 0.95)


def _thumb_out(solid: Floats) -> float:
    palm = float(np.linalg.norm(solid[5] - solid[17]))
    away = float(np.linalg.norm(solid[4] - solid[5]))
    return _rise(away / max(palm, 1e-9), 0.5, 1.0)


def _up(flat: Floats, bone: tuple[int, int]) -> float:
    direction = flat[bone[1], :2] - flat[bone[0], :2]
    return float(-direction[1] / max(float(np.linalg.norm(direction)), 1e-9))
