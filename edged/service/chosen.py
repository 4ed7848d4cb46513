"""Which model answers a request for a task."""

from edged.errors import ModelMissing, Unsupported
from edged.messages.replies import Loading
from edged.models.manifest import Manifest
from edged.models.pool import Pool
from edged.service.house import House


def chosen(house: House, task: str, asked: str | None) -> Manifest:
    """The model that a request names, else the default of its task.

    When none of the task can run here, the best of those that are known: borrowing it says what is
    missing and how to get it.

    Raises:
        ModelMissing: there is no such model, or none for the task.
        Unsupported: the model is for another task.
    """
    if asked is None:
        return house.pool.manifest(house.pool.default(task)[0] or _best_known(house.pool, task))
    manifest = house.pool.manifest(asked)
    if manifest.task != task:
        raise Unsupported(
            f"{asked} is a model for {manifest.task}, not for {task}",
            fix=f"`edged models list --task {task}`",
            model=asked,
        )
    return manifest


def _best_known(pool: Pool, task: str) -> str:
    known = pool.summaries(task)
    if not known:
        raise ModelMissing(
            f"no model for {task} is known", fix="write a manifest; docs/MANIFESTS.md says how"
        )
    return next((one.id for one in known if one.recommended), known[0].id)


def loading(house: House, model: str) -> Loading | None:
    """What to tell a client that has to wait for a model; None when it is in memory."""
    expected_ms = house.pool.expected_load_ms(model)
    return Loading(model=model, expected_ms=expected_ms) if expected_ms else None
