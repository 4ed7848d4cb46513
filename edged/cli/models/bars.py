"""How a person at a terminal sees files come; imported only when one looks."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from edged.errors import EdgedError
from edged.models.pull.progress import PullProgress

STAGES = {"fetch": "fetching", "verify": "verifying", "build": "building"}


class Bars:
    """One bar a file, with bytes, speed and time left, on stderr."""

    def __init__(self, *, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
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

    def tell(self, progress: PullProgress) -> None:
        """Move the file's bar."""
        if progress.stage == "done":
            return  # of the whole model: the command says so itself
        name = f"{progress.model}/{progress.file}"
        source = f" from {progress.source}" if progress.source else ""
        stage = STAGES[progress.stage] + (source if progress.stage == "fetch" else "")
        whole = progress.done if progress.stage == "verify" else 0
        self.count(name, f"{name}  {stage}", progress.done, progress.total or whole)

    def count(self, name: str, description: str, done: int, total: int) -> None:
        """Move one bar; a total of 0 is not known yet."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(description, total=None)
        self._progress.update(
            self._tasks[name], description=description, completed=done, total=total or None
        )

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(Text(text, style="dim"))

    def failed(self, model: str, error: EdgedError) -> None:
        """Print a line above the bars."""
        self._progress.console.print(Text(f"{model} is not here: {error.message}", style="red"))

    def pause(self) -> None:
        """Take the bars away while a person is asked."""
        self._progress.stop()

    def resume(self) -> None:
        """Show them again."""
        self._progress.start()
