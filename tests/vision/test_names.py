"""Names and connections of points."""

import ast
import importlib.util
from pathlib import Path

import pytest

from edged.vision import names

MODULES = {"face_landmarker": "Face", "hand_landmarker": "Hand", "pose_landmarker": "Pose"}


def published(module: str) -> dict[str, set[frozenset[int]]]:
    """The connections in the library's source, by name; read, since it is slow to import."""
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("mediapipe is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "tasks" / "python" / "vision"
    tree = ast.parse((folder / f"{module}.py").read_text())
    return {
        node.target.id: {
            frozenset(ast.literal_eval(number) for number in call.args)
            for call in node.value.elts
            if isinstance(call, ast.Call)
        }
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.List)
    }


def lines(connections: tuple[names.Connection, ...]) -> set[frozenset[int]]:
    return {frozenset(pair) for pair in connections}


def test_every_point_has_one_name() -> None:
    assert [len(names.FACE_KEY_POINTS), len(names.HAND), len(names.POSE)] == [6, 21, 33]
    for points in (names.FACE_KEY_POINTS, names.HAND, names.POSE):
        assert len(set(points)) == len(points)


@pytest.mark.parametrize(
    ("connections", "count", "points"),
    [
        (names.HAND_CONNECTIONS, 21, 21),
        (names.POSE_CONNECTIONS, 35, 33),
        (names.FACE_CONTOURS, 149, 468),
        (names.IRIS_CONNECTIONS, 8, 478),
    ],
)
def test_connections_are_lines_between_points_that_exist(
    connections: tuple[names.Connection, ...], count: int, points: int
) -> None:
    assert len(lines(connections)) == len(connections) == count
    assert {point for pair in connections for point in pair} <= set(range(points))


def test_hands_and_bodies_are_joined_as_mediapipe_joins_them() -> None:
    hand, pose = published("hand_landmarker"), published("pose_landmarker")

    assert lines(names.HAND_CONNECTIONS) == set().union(*hand.values())
    assert lines(names.POSE_CONNECTIONS) == pose["POSE_LANDMARKS"]


def test_faces_are_drawn_as_mediapipe_draws_them() -> None:
    face = published("face_landmarker")
    parts = ("LIPS", "LEFT_EYE", "LEFT_EYEBROW", "RIGHT_EYE", "RIGHT_EYEBROW", "FACE_OVAL", "NOSE")

    contours = set().union(*(face[f"FACE_LANDMARKS_{part}"] for part in parts))

    assert lines(names.FACE_CONTOURS) == contours


def test_irises_are_the_persons_own() -> None:
    face = published("face_landmarker")

    for side, iris in (("LEFT", names.LEFT_IRIS), ("RIGHT", names.RIGHT_IRIS)):
        edge = set().union(*face[f"FACE_LANDMARKS_{side}_IRIS"])
        assert edge == set(iris[1:])
    assert (*names.RIGHT_IRIS, *names.LEFT_IRIS) == tuple(range(names.MESH_POINTS, 478))


def test_left_and_right_parts_of_the_face_mirror_each_other() -> None:
    for part in ("eye", "eyebrow_lower", "eyebrow_upper"):
        assert len(names.FACE_PARTS[f"left_{part}"]) == len(names.FACE_PARTS[f"right_{part}"])


def test_what_is_closed_ends_where_it_began() -> None:
    closed = ("oval", "left_eye", "right_eye", "lips_outer", "lips_inner", "nose_wings")

    assert all(names.FACE_PARTS[part][0] == names.FACE_PARTS[part][-1] for part in closed)


def test_every_name_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "SEEING.md").read_text()
    told = {*names.FACE_KEY_POINTS, *names.HAND, *names.POSE, *names.ANGLES, *names.GESTURES}

    assert [
        name for name in (*told, *names.POSTURES, *names.FACE_PARTS) if f"`{name}`" not in text
    ] == []
