"""What is heard when: windows in which a label passes a score, joined to stretches. Pure."""

from collections.abc import Collection, Iterable

from edged.messages.records import AudioWindow
from edged.messages.voice import SoundTag

MOST_TAGS = 10_000
"""Of one reply; then the surest ones stay."""


def stretches(
    windows: Iterable[AudioWindow], *, min_score: float, labels: Collection[str] = ()
) -> tuple[SoundTag, ...]:
    """The stretches of each label, in order of their start, then of their label.

    A stretch goes on while windows that follow each other without a gap (or overlap) have the label.

    Args:
        windows: in order of time, with all labels that may count.
        min_score: a label counts from here on.
        labels: only these, in any case; empty: all.
    """
    wanted = {label.lower() for label in labels}
    open_now: dict[str, SoundTag] = {}
    done: list[SoundTag] = []
    for window in windows:
        here = {
            one.label: one.score
            for one in window.classes
            if one.score >= min_score and (not wanted or one.label.lower() in wanted)
        }
        ended = [
            label
            for label, tag in open_now.items()
            if label not in here or window.start_ms > tag.end_ms
        ]
        done += [open_now.pop(label) for label in ended]
        for label, score in here.items():
            open_now[label] = _longer(open_now.get(label), label, score, window)
    done += open_now.values()
    kept = sorted(done, key=lambda tag: -tag.score)[:MOST_TAGS]
    return tuple(sorted(kept, key=lambda tag: (tag.start_ms, tag.label)))


def _longer(tag: SoundTag | None, label: str, score: float, window: AudioWindow) -> SoundTag:
    start_ms, best = (tag.start_ms, max(tag.score, score)) if tag else (window.start_ms, score)
    return SoundTag(label=label, score=best, start_ms=start_ms, end_ms=window.end_ms)
