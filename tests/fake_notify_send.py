"""A notify-send that notes what it was told to show, and presses the button that it was told to."""

import stat
import sys
from pathlib import Path

_PROGRAM = """#!{python} -S
import os, signal, sys, time
folder = {folder!r}
if "--help" in sys.argv:
    print({help!r})
    sys.exit(0)
def close(*_):
    open(folder + "/closed", "w").close()
    sys.exit(0)
signal.signal(signal.SIGINT, close)
path = "%s/shown.%d.%d" % (folder, time.time_ns(), os.getpid())
with open(path + ".new", "w") as file:
    file.write("\\0".join([*sys.argv[1:], *("env:" + name for name in os.environ)]))
os.rename(path + ".new", path)
if {answer!r} == "wait":
    time.sleep(30)
if any(one.startswith("--action=") for one in sys.argv):
    print({answer!r})
"""


class FakeNotifySend:
    """The program in a folder of its own, and the environment in which it is found."""

    def __init__(self, folder: Path, *, answer: str = "", buttons: bool = True) -> None:
        self.notes = folder / "notes"
        self.notes.mkdir()
        bus = folder / "bus"
        bus.touch()
        program = folder / "notify-send"
        program.write_text(
            _PROGRAM.format(
                python=sys.executable,
                folder=str(self.notes),
                answer=answer,
                help="--action=[NAME=]Text" if buttons else "--urgency",
            )
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.environ = {
            "PATH": f"{folder}:/usr/bin:/bin",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={bus}",
            "EDGED_KEYS_PASSPHRASE": "secret",
        }

    @property
    def shown(self) -> list[list[str]]:
        """The arguments of each notice, and the names of its environment's variables."""
        notes = sorted(one for one in self.notes.iterdir() if one.suffix != ".new")
        return [one.read_text().split("\0") for one in notes if one.name.startswith("shown")]

    @property
    def closed(self) -> bool:
        """Whether a notice that waited was told to close."""
        return (self.notes / "closed").exists()
