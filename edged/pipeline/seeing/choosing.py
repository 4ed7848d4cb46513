"""Decides which model looks, and what it looks for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from edged.config import Defaults
from edged.errors import BadRequest, ModelMissing, Unsupported
from edged.messages.records import ModelSummary
from edged.messages.seeing import Complexity, LandmarkKind, Look, VisionTask
from edged.models.manifest import Manifest

_TASKS: Mapping[VisionTask, tuple[str, ...]] = {
    "face": ("face_detect",),
    "face_mesh": ("face_landmarks", "iris_landmarks", "holistic_landmarks"),
    "hands": ("hand_landmarks", "gestures", "holistic_landmarks"),
    "pose": ("pose_landmarks", "holistic_landmarks"),
    "holistic": ("holistic_landmarks",),
    "iris": ("iris_landmarks",),
    "segment": ("image_segment",),
    "detect": ("image_detect",),
    "classify": ("image_classify",),
    "embed": ("image_embed",),
}
"""Which tasks of models do it: the first one by default, the others when a request names the model."""

_KINDS: Mapping[VisionTask, LandmarkKind] = {"face_mesh": "face", "hands": "hands", "pose": "pose"}

_OF_KIND: Mapping[LandmarkKind, VisionTask] = {
    "face": "face_mesh",
    "hands": "hands",
    "pose": "pose",
}

_COMPLEX = frozenset({"pose_landmarks", "holistic_landmarks"})
"""Tasks whose models say by a parameter how complex they are."""


class Models(Protocol):
    """What is known of models; fulfilled by edged.models.pool.Pool."""

    def manifest(self, model: str) -> Manifest:
        """A model's manifest; raises ModelMissing."""
        ...

    def default(
        self, task: str, *, suits: Callable[[Manifest], bool] = ...
    ) -> tuple[str | None, str]:
        """The model of a task that answers when a request names none, and why."""
        ...

    def summaries(self, task: str | None = None) -> Sequence[ModelSummary]:
        """Every model of a task, and whether it can run here."""
        ...


class Plan(Struct, frozen=True, kw_only=True):
    """Who looks, and for what. task: the model's; kinds: all that is wanted of it, empty: all it knows."""

    look: Look
    model: str
    task: str
    kinds: tuple[LandmarkKind, ...] = ()


def choose(pool: Models, defaults: Defaults, look: Look) -> Plan:
    """The plan for a look. A model that is named must be for the task.

    A model that is known and cannot run here is planned all the same when there is no other: who
    borrows it is told what is missing, and the command that brings it. Another complexity than the
    one that is asked for is never taken instead.

    Raises:
        ModelMissing: there is no such model, or none is known for the task.
        Unsupported: the model is for another task. BadRequest: it has another complexity.
    """
    manifest = _named(pool, look) if look.model is not None else _default(pool, defaults, look)
    kind = _KINDS.get(look.task)
    whole = manifest.task == "holistic_landmarks"
    return Plan(
        look=look,
        model=manifest.id,
        task=manifest.task,
        kinds=(kind,) if whole and kind is not None else (),
    )


def choose_kinds(  # noqa: PLR0913 the facts of a look, all by keyword
    pool: Models,
    defaults: Defaults,
    kinds: Sequence[LandmarkKind],
    *,
    complexity: Complexity = "full",
    min_detection_confidence: float = 0.5,
    min_tracking_confidence: float = 0.5,
    irises: bool = False,
) -> Plan:
    """The plan for one or several kinds of landmarks of every frame; several by one model.

    At least one kind; the other facts are as in Look. irises: where only faces are wanted, by the
    model that also sees whether eyes are shut.

    Raises:
        ModelMissing: as for `choose`.
    """
    task: VisionTask = _OF_KIND[kinds[0]] if len(kinds) == 1 else "holistic"
    if irises and task == "face_mesh":
        task = "iris"
    look = Look(
        task=task,
        complexity=complexity,
        min_detection_confidence=min_detection_confidence,
        min_tracking_confidence=min_tracking_confidence,
    )
    plan = choose(pool, defaults, look)
    if len(kinds) == 1:
        return plan
    return Plan(look=look, model=plan.model, task=plan.task, kinds=tuple(kinds))


def _named(pool: Models, look: Look) -> Manifest:
    manifest = pool.manifest(look.model or "")
    tasks = _TASKS[look.task]
    if manifest.task not in tasks:
        raise Unsupported(
            f"{manifest.id} is a model for {manifest.task}, not for {look.task}",
            fix=f"`edged models list --task {tasks[0]}`",
            model=manifest.id,
        )
    if look.complexity != "full" and not _is_as_complex(manifest, look.complexity):
        raise BadRequest(
            f"{manifest.id} is not {look.complexity}", fix="leave the complexity or the model out"
        )
    return manifest


def _default(pool: Models, defaults: Defaults, look: Look) -> Manifest:
    task = _TASKS[look.task][0]
    if look.task == "hands" and not defaults.hand_landmarks:
        model, _ = pool.default("gestures")
        if model is not None:
            return pool.manifest(model)

    def suits(manifest: Manifest) -> bool:
        return _is_as_complex(manifest, look.complexity)

    model, _ = pool.default(task, suits=suits)
    return pool.manifest(model) if model is not None else _known(pool, task, look.complexity)


def _known(pool: Models, task: str, complexity: Complexity) -> Manifest:
    """The best of those that cannot run here."""
    known = [
        one for one in pool.summaries(task) if _is_as_complex(pool.manifest(one.id), complexity)
    ]
    if not known:
        raise ModelMissing(
            f"no model for {task} is known", fix="write a manifest; docs/MANIFESTS.md says how"
        )
    return pool.manifest(next((one.id for one in known if one.recommended), known[0].id))


def _is_as_complex(manifest: Manifest, complexity: Complexity) -> bool:
    if manifest.task not in _COMPLEX:
        return True
    return manifest.parameters.get("complexity", "full") == complexity
