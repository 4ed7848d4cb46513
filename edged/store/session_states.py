"""The states of a session: one table of every transition, and what causes it."""

from typing import NamedTuple

from edged.errors import Conflict
from edged.messages.sessions import SessionStatus


class Transition(NamedTuple):
    """One step that a session may take."""

    before: SessionStatus
    after: SessionStatus
    cause: str


TRANSITIONS = (
    Transition("recording", "paused", "asked, or the disk is full"),
    Transition("recording", "processing", "stopped, or the daemon that recorded it is gone"),
    Transition("recording", "completed", "stopped, and only pictures were taken: no work is left"),
    Transition("recording", "failed", "stopped without any audio, or a defect ended it"),
    Transition("paused", "recording", "asked, or the disk has room again"),
    Transition("paused", "processing", "stopped, or the daemon is gone"),
    Transition("paused", "completed", "stopped, and only pictures were taken"),
    Transition("paused", "failed", "stopped without any audio"),
    Transition("processing", "ready_for_claiming", "the work is done, somebody is not named yet"),
    Transition("processing", "completed", "the work is done, nobody is left to be named"),
    Transition("processing", "failed", "the work gave up"),
    Transition("ready_for_claiming", "completed", "the last speaker was claimed"),
    Transition("ready_for_claiming", "processing", "done again"),
    Transition("completed", "ready_for_claiming", "a claim was taken back, or a speaker split"),
    Transition("completed", "processing", "done again"),
    Transition("failed", "processing", "retry, or done again"),
)
"""No other step exists. A session begins as `recording`, that of a file as `processing`."""

RUNNING: tuple[SessionStatus, ...] = ("recording", "paused")
"""States in which audio may still come."""

_ALLOWED = frozenset((step.before, step.after) for step in TRANSITIONS)


def check(before: SessionStatus, after: SessionStatus, *, session_id: str) -> None:
    """Refuse a step that is not in the table.

    Raises:
        Conflict: the session is in a state from which the other one cannot be reached.
    """
    if (before, after) not in _ALLOWED:
        raise Conflict(
            f"the session is {before} and cannot become {after}",
            fix="look at it with `edged sessions show`",
            session_id=session_id,
            status=before,
        )
