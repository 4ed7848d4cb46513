"""Progress bars on stderr; imported only when somebody looks."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from edged.messages import replies
from edged.messages.records import Segment

STAGES = {
    "read": "reading the file",
    "vad": "finding speech",
    "transcribe": "recognising speech",
    "wait": "waiting for the same work",
    "load": "loading the model",
    "bench": "measuring",
    "verify": "verifying the file",
    "copy": "copying the file",
    "separate": "taking the sound apart",
    "denoise": "cleaning speech",
    "speak": "making speech",
    "queued": "waiting for its turn",
    "join": "joining the recording",
    "diarize": "telling speakers apart",
    "emotion": "hearing emotions",
    "save": "saving",
    "samples": "cutting samples of voices",
}


class Bar:
    """One bar a stage; segments scroll above it as they are committed."""

    def __init__(self, *, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description:26}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeRemainingColumn(compact=True),
            console=console or Console(stderr=True, highlight=False),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def progress(self, progress: replies.Progress) -> None:
        """Move the stage's bar."""
        stage = progress.stage
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(STAGES.get(stage, stage), total=1.0)
        self._progress.update(self._tasks[stage], completed=progress.fraction)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(Text(text, style="dim"))

    def segments(self, segments: tuple[Segment, ...]) -> None:
        """Print committed segments above the bars."""
        for segment in segments:
            self._progress.console.print(Text(segment.text))
