"""What follows from points: gestures, eyes, joints, posture, and whose hand it is."""

from edged.models.engines.seeing.found import Found
from edged.models.seeing import BodySigns, FaceSigns, HandSigns
from edged.vision.angles import joint_angles
from edged.vision.assigning import bodies_of
from edged.vision.eyes import eyes_of
from edged.vision.gestures import gesture_of
from edged.vision.posture import posture_of


def of_hands(hands: Found, bodies: Found | None, aspect: float) -> tuple[HandSigns, ...]:
    """Of each hand: its gesture, by the task or by rules, and its body; None: none was looked for."""
    shown = hands.gestures or tuple(
        gesture_of(points, hands.world[number] if len(hands.world) else None, aspect)
        for number, points in enumerate(hands.points)
    )
    owners: list[int | None] = [None] * len(shown)
    if bodies is not None:
        owners = bodies_of(list(hands.points), list(bodies.points), aspect)
    return tuple(
        HandSigns(gesture=name, score=score, body=body)
        for (name, score), body in zip(shown, owners, strict=True)
    )


def of_faces(faces: Found, aspect: float, height: int) -> tuple[FaceSigns, ...]:
    """Of each mesh: its eyes, and what its bundle tells beside; height: of the picture, in pixels."""
    return tuple(
        FaceSigns(
            blendshapes=faces.blendshapes[number] if faces.blendshapes else {},
            transform=faces.transforms[number] if faces.transforms else (),
            eyes=eyes_of(points, aspect, height),
        )
        for number, points in enumerate(faces.points)
    )


def of_bodies(bodies: Found) -> tuple[BodySigns, ...]:
    """Of each body: its joints and posture, from its world points."""
    signs = []
    for points, world in zip(bodies.points, bodies.world, strict=True):
        visibility = points[:, 3]
        angles = joint_angles(world, visibility)
        signs.append(BodySigns(angles=angles, posture=posture_of(world, visibility, angles)))
    return tuple(signs)
