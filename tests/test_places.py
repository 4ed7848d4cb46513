"""Where things lie, for those who have no time for the settings: the same places."""

import subprocess
import sys

import pytest

from edged.config import find_paths
from edged.places import find_places

ENVIRONMENTS = {
    "nothing": {"HOME": "/home/u"},
    "a home of its own": {"EDGED_HOME": "/srv/e", "HOME": "/home/u"},
    "relative": {"EDGED_HOME": "e", "HOME": "/home/u"},
    "a session": {"HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/1", "XDG_STATE_HOME": "/s"},
    "not absolute": {"HOME": "/home/u", "XDG_RUNTIME_DIR": "run", "XDG_CACHE_HOME": ""},
    "a service": {"STATE_DIRECTORY": "/var/lib/edged:/x", "RUNTIME_DIRECTORY": "/run/edged"},
}


@pytest.mark.parametrize("environ", ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
def test_the_socket_is_where_the_settings_say(environ: dict[str, str]) -> None:
    paths = find_paths(environ)

    assert find_places(environ).socket == str(paths.socket)
    assert find_places(environ).state == str(paths.state)
    assert paths.runtime.is_absolute()


def test_looking_for_them_loads_nothing_of_the_settings() -> None:
    script = "import sys, edged.places; print({'msgspec', 'pathlib', 'tomllib'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, check=True)

    assert done.stdout == b"set()\n"
