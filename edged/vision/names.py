"""Names of the points of faces, hands and bodies, and which of them are joined by lines.

No arrays, so every process may import it. `left` and `right` are the person's own, always.

Source: the orders and connections that MediaPipe publishes for BlazeFace, the canonical face mesh,
hands and BlazePose (ai.google.dev/edge/mediapipe/solutions/vision); the chains are written anew.
"""

from itertools import pairwise
from typing import Final, Literal, get_args

from edged.messages.seeing import LandmarkKind

Connection = tuple[int, int]

FacePoint = Literal["right_eye", "left_eye", "nose_tip", "mouth", "right_ear", "left_ear"]

FACE_KEY_POINTS: Final[tuple[str, ...]] = get_args(FacePoint)
"""The six points of a face detector: middles of the eyes and of the mouth, where the ears begin."""

HandPoint = Literal[
    "wrist",
    "thumb_cmc",
    "thumb_mcp",
    "thumb_ip",
    "thumb_tip",
    "index_mcp",
    "index_pip",
    "index_dip",
    "index_tip",
    "middle_mcp",
    "middle_pip",
    "middle_dip",
    "middle_tip",
    "ring_mcp",
    "ring_pip",
    "ring_dip",
    "ring_tip",
    "pinky_mcp",
    "pinky_pip",
    "pinky_dip",
    "pinky_tip",
]

HAND: Final[tuple[str, ...]] = get_args(HandPoint)
"""21 points: cmc, mcp, pip, dip, ip are the joints from the wrist to the tip of a finger."""

PosePoint = Literal[
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
]

POSE: Final[tuple[str, ...]] = get_args(PosePoint)
"""33 points of a body."""

AngleName = Literal[
    "left_elbow",
    "right_elbow",
    "left_shoulder",
    "right_shoulder",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "neck",
    "trunk",
]

ANGLES: Final[tuple[str, ...]] = get_args(AngleName)
"""The joint angles of edged.vision.angles."""

Gesture = Literal[
    "Closed_Fist",
    "Open_Palm",
    "Pointing_Up",
    "Thumb_Up",
    "Thumb_Down",
    "Victory",
    "ILoveYou",
    "",
]

GESTURES: Final[tuple[str, ...]] = tuple(name for name in get_args(Gesture) if name)
"""The gestures that are told; an empty one is none of them."""

Posture = Literal["standing", "sitting", "lying", "arms_raised", "bending", ""]

POSTURES: Final[tuple[str, ...]] = tuple(name for name in get_args(Posture) if name)
"""The postures that are told; an empty one is unknown."""


def chained(*chains: tuple[int, ...]) -> tuple[Connection, ...]:
    """The lines along chains of points, in order, each one once."""
    return tuple(dict.fromkeys(pair for chain in chains for pair in pairwise(chain)))


HAND_CONNECTIONS: Final = chained(
    (0, 1, 2, 3, 4),
    (0, 5, 6, 7, 8),
    (5, 9, 10, 11, 12),
    (9, 13, 14, 15, 16),
    (13, 17, 18, 19, 20),
    (0, 17),
)
"""The five fingers and the palm's edge: 21 lines."""

POSE_CONNECTIONS: Final = chained(
    (0, 1, 2, 3, 7),
    (0, 4, 5, 6, 8),
    (9, 10),
    (11, 12),
    (11, 13, 15, 17, 19, 15, 21),
    (12, 14, 16, 18, 20, 16, 22),
    (11, 23, 25, 27, 29, 31, 27),
    (12, 24, 26, 28, 30, 32, 28),
    (23, 24),
)
"""Face, trunk, arms and legs: 35 lines."""

FACE_PARTS: Final[dict[str, tuple[int, ...]]] = {
    "oval": (
        10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109, 10,
    ),
    "right_eye": (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246, 33),
    "left_eye": (
        263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466, 263,
    ),
    "right_eyebrow_lower": (46, 53, 52, 65, 55),
    "right_eyebrow_upper": (70, 63, 105, 66, 107),
    "left_eyebrow_lower": (276, 283, 282, 295, 285),
    "left_eyebrow_upper": (300, 293, 334, 296, 336),
    "lips_outer": (
        61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
        61,
    ),
    "lips_inner": (
        78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
        78,
    ),
    "nose_bridge": (168, 6, 197, 195, 5, 4, 1, 19, 94, 2),
    "nose_wings": (98, 97, 2, 326, 327, 294, 278, 344, 440, 275, 4, 45, 220, 115, 48, 64, 98),
}  # fmt: skip
"""Chains of the mesh's points by what they draw; one that ends where it began is closed."""

FACE_CONTOURS: Final = chained(*FACE_PARTS.values())
"""The lines that draw a face from its mesh; 149, without irises."""

MESH_POINTS: Final = 468
"""Points of a face mesh; with both irises 478."""

RIGHT_IRIS: Final = (468, 469, 470, 471, 472)
LEFT_IRIS: Final = (473, 474, 475, 476, 477)
"""An iris of a mesh of 478 points: its middle, then four of its edge, a quarter turn apart."""

IRIS_CONNECTIONS: Final = chained((469, 470, 471, 472, 469), (474, 475, 476, 477, 474))
"""The edges of both irises: 8 lines."""

LANDMARK_VALUES: Final[dict[LandmarkKind, tuple[str, ...]]] = {
    "face": ("x", "y", "z"),
    "hands": ("x", "y", "z"),
    "pose": ("x", "y", "z", "visibility", "wx", "wy", "wz"),
}
"""What is kept of each point, by kind; wx, wy, wz: world points, metres."""
