"""A camera without hardware: a named pipe that FFmpeg feeds with YUV4MPEG2, for tests that look."""

import os
import signal
import subprocess
import threading
from pathlib import Path

TEST_PICTURE = "testsrc2"
"""FFmpeg's own moving picture; any other source of its kind `lavfi` may be given too."""


class PipedCamera:
    """A camera at a named pipe; plugged in by `plug`, pulled out by `unplug`.

    FFmpeg ends when nobody reads the pipe any more, and is then started anew: whoever opens the pipe
    again finds a camera that gives frames.

    path: of the pipe: `SourceWish(kind="camera", device=str(camera.path))`.
    source: a video file, or a source of FFmpeg's `lavfi`.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "camera.y4m"
        self.source: Path | str = TEST_PICTURE
        self._log = folder / "camera.log"
        self._fps = 30
        self._size = (640, 480)
        self._process: subprocess.Popen[bytes] | None = None
        self._feeder: threading.Thread | None = None
        self._plugged = threading.Event()
        os.mkfifo(self.path)

    def plug(
        self,
        source: Path | str = TEST_PICTURE,
        *,
        fps: int = 30,
        size: tuple[int, int] = (640, 480),
    ) -> None:
        """Feed the pipe in real time until `unplug`; a file begins again at its end."""
        assert self._feeder is None, "it is plugged in already"
        self.source, self._fps, self._size = source, fps, size
        self._plugged.set()
        self._feeder = threading.Thread(target=self._feed, name="camera", daemon=True)
        self._feeder.start()

    def unplug(self) -> None:
        """Pull it out: the pipe ends, in the middle of a frame as likely as not."""
        self._plugged.clear()
        feeder, self._feeder = self._feeder, None
        self._end()
        if feeder is not None:
            while feeder.is_alive():
                self._end()
                feeder.join(0.02)

    def stall(self) -> None:
        """Give no more frames, but keep the pipe open."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Give frames again after `stall`."""
        self._signal(signal.SIGCONT)

    def log(self) -> str:
        """The end of what FFmpeg printed."""
        return self._log.read_text()[-2000:] if self._log.exists() else ""

    def _feed(self) -> None:
        while self._plugged.is_set():
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            self._process.wait()
            # A command that is wrong must not spin.
            threading.Event().wait(0.02)

    def _command(self) -> list[str]:
        width, height = self._size
        shape = f"scale={width}:{height},fps={self._fps}"
        if isinstance(self.source, Path):
            given = ["-stream_loop", "-1", "-re", "-i", str(self.source)]
        else:
            given = ["-re", "-f", "lavfi", "-i", self.source]
        return [
            "ffmpeg", "-nostdin", "-v", "error", "-threads", "1", *given, "-vf", shape,
            "-an", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-y", str(self.path),
        ]  # fmt: skip

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self) -> None:
        # Not SIGTERM: FFmpeg that waits for a reader of its pipe does not hear it.
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
