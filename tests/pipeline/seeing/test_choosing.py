"""Which model looks."""

from collections.abc import Callable, Sequence

import pytest

from edged.config import Defaults
from edged.errors import BadRequest, ModelMissing, Unsupported
from edged.messages.records import ModelSummary, Problem
from edged.messages.seeing import Look
from edged.models.manifest import Manifest, Task
from edged.pipeline.seeing.choosing import choose, choose_kinds


def model(name: str, task: Task, *, rank: float = 0.0, complexity: str | None = None) -> Manifest:
    return Manifest(
        id=name,
        task=task,
        engine="mediapipe",
        description="a test's",
        license="Apache-2.0",
        memory_bytes=1,
        rank=rank,
        parameters={} if complexity is None else {"complexity": complexity},
    )


KNOWN = (
    model("faces", "face_detect"),
    model("mesh", "face_landmarks"),
    model("irises", "iris_landmarks"),
    model("hands", "hand_landmarks"),
    model("gestures", "gestures"),
    model("body", "pose_landmarks", rank=0.5),
    model("body-lite", "pose_landmarks", rank=0.9, complexity="lite"),
    model("body-heavy", "pose_landmarks", complexity="heavy"),
    model("all", "holistic_landmarks", complexity="full"),
    model("all-lite", "holistic_landmarks", complexity="lite"),
    model("people", "image_segment"),
)


class Known:
    """Fulfils Models: all of KNOWN, of which some are installed."""

    def __init__(self, *missing: str) -> None:
        self._missing = missing

    def manifest(self, model: str) -> Manifest:
        for one in KNOWN:
            if one.id == model:
                return one
        raise ModelMissing(f"no model is called {model}")

    def default(
        self, task: str, *, suits: Callable[[Manifest], bool] = lambda _: True
    ) -> tuple[str | None, str]:
        usable = [
            one for one in KNOWN if one.task == task and suits(one) and one.id not in self._missing
        ]
        best = max(usable, key=lambda one: one.rank, default=None)
        return (best.id if best else None), ""

    def summaries(self, task: str | None = None) -> Sequence[ModelSummary]:
        return [
            ModelSummary(
                id=one.id, task=one.task, engine=one.engine, license=one.license, languages=(),
                size_bytes=0, memory_bytes=1, installed=one.id not in self._missing, default=False,
                state="unloaded", problem=Problem(code="model_missing", message="absent"),
            )
            for one in KNOWN
            if one.task == task
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (Look(task="face"), "faces"),
        (Look(task="face_mesh"), "mesh"),
        (Look(task="iris"), "irises"),
        (Look(task="hands"), "gestures"),
        (Look(task="pose"), "body"),
        (Look(task="pose", complexity="lite"), "body-lite"),
        (Look(task="pose", complexity="heavy"), "body-heavy"),
        (Look(task="holistic"), "all"),
        (Look(task="segment"), "people"),
        (Look(task="hands", model="hands"), "hands"),
        (Look(task="pose", model="body-lite"), "body-lite"),
    ],
)
def test_each_task_has_its_model(look: Look, expected: str) -> None:
    assert choose(Known(), Defaults(), look).model == expected


def test_hands_are_told_by_rules_where_the_recogniser_is_not_or_is_not_wanted() -> None:
    look = Look(task="hands")

    absent = choose(Known("gestures"), Defaults(), look)
    unwanted = choose(Known(), Defaults(hand_landmarks="hands"), look)

    assert (absent.model, unwanted.model) == ("hands", "hands")


def test_a_complexity_that_is_not_here_is_planned_and_no_other_instead() -> None:
    """Who borrows it is told that it is missing, and the command that brings it."""
    known = Known("body-lite", "body-heavy", "all-lite")

    assert choose(known, Defaults(), Look(task="pose", complexity="lite")).model == "body-lite"
    assert choose(known, Defaults(), Look(task="holistic", complexity="lite")).model == "all-lite"
    with pytest.raises(ModelMissing):
        choose(known, Defaults(), Look(task="holistic", complexity="heavy"))


def test_a_named_model_must_be_for_the_task_and_as_complex_as_asked() -> None:
    with pytest.raises(Unsupported):
        choose(Known(), Defaults(), Look(task="pose", model="mesh"))
    with pytest.raises(BadRequest):
        choose(Known(), Defaults(), Look(task="pose", model="body-lite", complexity="heavy"))
    with pytest.raises(ModelMissing):
        choose(Known(), Defaults(), Look(task="pose", model="nobody"))


def test_a_model_for_all_looks_only_for_what_is_wanted() -> None:
    hands = choose(Known(), Defaults(), Look(task="hands", model="all"))
    everything = choose(Known(), Defaults(), Look(task="holistic"))

    assert (hands.task, hands.kinds) == ("holistic_landmarks", ("hands",))
    assert everything.kinds == ()


def test_faces_alone_are_seen_with_irises_where_blinks_are_wanted() -> None:
    blinks = choose_kinds(Known(), Defaults(), ["face"], irises=True)
    beside_hands = choose_kinds(Known(), Defaults(), ["face", "hands"], irises=True)

    assert (blinks.model, choose_kinds(Known(), Defaults(), ["face"]).model) == ("irises", "mesh")
    assert beside_hands.model == "all"


def test_several_kinds_are_looked_for_by_one_model() -> None:
    one = choose_kinds(Known(), Defaults(), ["pose"], complexity="heavy")
    two = choose_kinds(Known(), Defaults(), ["pose", "hands"], min_detection_confidence=0.7)

    assert (one.model, one.kinds) == ("body-heavy", ())
    assert (two.model, two.kinds) == ("all", ("pose", "hands"))
    assert two.look.min_detection_confidence == 0.7
