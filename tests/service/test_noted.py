"""Which program a process runs, as the system says it."""

import os
import subprocess
import sys

import pytest

from edged.service.noted import program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")


def test_the_program_of_a_process_is_its_file() -> None:
    assert program(os.getpid()) == os.path.realpath(sys.executable)


def test_for_a_host_it_is_what_started_it() -> None:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    try:
        found = program(child.pid, of_parent=True)
    finally:
        child.communicate()

    assert found == os.path.realpath(sys.executable)


@pytest.mark.parametrize("pid", [-1, 0, 2**22 + 1])
def test_of_a_process_that_is_not_there_nothing_is_said(pid: int) -> None:
    assert program(pid) == ""
    assert program(pid, of_parent=True) == ""
