"""The table of errors, and the leaves behind it."""

import subprocess
import sys
from pathlib import Path

from edged.errors import Busy, Internal, from_code, leaves

ROOT = Path(__file__).parent.parent


def test_the_documented_table_is_the_one_in_the_code() -> None:
    script = ROOT / "packaging" / "make_error_table.py"

    printed = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)

    assert (ROOT / "docs" / "ERRORS.md").read_text() == printed.stdout


def test_every_leaf_has_its_own_code_and_advice() -> None:
    found = leaves()

    assert len({leaf.advice for leaf in found.values()}) == len(found)
    assert all(code == leaf.code for code, leaf in found.items())


def test_a_code_from_the_wire_becomes_its_leaf() -> None:
    error = from_code("busy", "no room", fix="wait", details={"needed": 7})

    assert isinstance(error, Busy)
    assert (error.message, error.fix, error.details) == ("no room", "wait", {"needed": 7})


def test_an_unknown_code_is_an_internal_error() -> None:
    assert isinstance(from_code("from the future", "x"), Internal)
