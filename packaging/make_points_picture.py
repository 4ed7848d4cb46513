"""Makes docs/images/points.png: what `edged see camera --draw` writes while somebody stands before it.

`python packaging/make_points_picture.py PHOTOGRAPH [CROP]`: the photograph plays the camera, through a named
pipe; nothing of its pixels is in the picture, which is edged's own drawing. CROP as FFmpeg writes it
(width:height:x:y). Needs ffmpeg, the [vision] extra, and an EDGED_HOME with the embedded models.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "docs" / "images" / "points.png"
FPS = 15
SECONDS = "3"
FFMPEG = ["ffmpeg", "-nostdin", "-v", "error", "-y"]


def main() -> None:
    """Play the photograph, look at it, and keep one frame of what was drawn."""
    photograph = sys.argv[1]
    crop = f"crop={sys.argv[2]}," if sys.argv[2:] else ""
    with tempfile.TemporaryDirectory(prefix="edged-", dir="/tmp") as folder:
        pipe, drawn = f"{folder}/camera.y4m", f"{folder}/drawn.mp4"
        os.mkfifo(pipe)
        shown = ["-re", "-loop", "1", "-framerate", str(FPS), "-i", photograph]
        shape = ["-vf", f"{crop}scale=-2:640", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", pipe]
        edged = [sys.executable, "-P", "-m", "edged"]
        look = ["see", "camera", "--device", pipe, "--task", "holistic", "--for", SECONDS]
        with subprocess.Popen([*FFMPEG, *shown, *shape], stderr=subprocess.DEVNULL) as camera:
            subprocess.run([*edged, *look, "--draw", drawn], check=True)
            camera.kill()
        subprocess.run([*edged, "shutdown"], check=True)
        subprocess.run([*FFMPEG, "-ss", "2", "-i", drawn, "-frames:v", "1", TARGET], check=True)
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
