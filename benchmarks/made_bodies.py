"""Bodies of known geometry: 33 world points whose joints have angles that were chosen, turned at random."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edged.vision.names import POSE

Floats = npt.NDArray[np.float64]

_AT = {name: number for number, name in enumerate(POSE)}

UPPER_ARM, FOREARM, THIGH, SHIN, FOOT = 0.30, 0.26, 0.42, 0.42, 0.2
"""Metres."""

_DOWN = np.array([0.0, 1.0, 0.0])


class Body(Struct, frozen=True):
    """A body, and the degrees at its joints. world: metres, shape (33, 3)."""

    world: Floats
    degrees: Mapping[str, float]


def body(random: np.random.Generator) -> Body:
    """Limbs bent by chosen angles, each in a plane of its own; then the whole is turned.

    Trunk and neck are measured against what does not turn with it, and are left out.
    """
    world = np.zeros((len(POSE), 3))
    degrees: dict[str, float] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        world[_AT[f"{side}_shoulder"]] = (0.18 * sign, -0.5, 0.0)
        world[_AT[f"{side}_hip"]] = (0.12 * sign, 0.0, 0.0)
        world[_AT[f"{side}_ear"]] = (0.07 * sign, -0.72, 0.0)
        arm = [f"{side}_{name}" for name in ("hip", "shoulder", "elbow", "wrist")]
        leg = [f"{side}_{name}" for name in ("shoulder", "hip", "knee", "ankle", "foot_index")]
        degrees |= _bend(world, arm, (UPPER_ARM, FOREARM), random)
        degrees |= _bend(world, leg, (THIGH, SHIN, FOOT), random)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    return Body(world @ turn, degrees)


def _bend(
    world: Floats, chain: list[str], lengths: tuple[float, ...], random: np.random.Generator
) -> dict[str, float]:
    """Place what follows the chain's first two points; the angles that they form at its joints."""
    found = {}
    for before, joint, after, length in zip(
        chain[:-2], chain[1:-1], chain[2:], lengths, strict=True
    ):
        chosen = float(random.uniform(5, 175))
        back = world[_AT[before]] - world[_AT[joint]]
        world[_AT[after]] = world[_AT[joint]] + length * _at_angle(back, chosen, random)
        found[joint] = chosen
    return found


def _at_angle(back: Floats, degrees: float, random: np.random.Generator) -> Floats:
    """A direction at that angle to another one, in any plane."""
    back = back / np.linalg.norm(back)
    aside = np.cross(back, random.normal(size=3))
    aside /= np.linalg.norm(aside)
    radians = np.radians(degrees)
    direction: Floats = back * np.cos(radians) + aside * np.sin(radians)
    return direction
