import argparse
from pathlib import Path

import pytest

from edged.cli import exporting, new_file
from edged.cli.connect import Settings
from edged.errors import BadRequest


def test_a_file_and_json_about_it_do_not_both_go_to_stdout() -> None:
    arguments = argparse.Namespace(id="1", format="srt", out="-")

    with pytest.raises(BadRequest, match="cannot both"):
        exporting.export(Settings(json=True, start=False), arguments)


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "out.srt"
    with new_file.create(str(path)) as file:
        file.write(b"first")

    with pytest.raises(BadRequest, match="exists"):
        new_file.create(str(path))
    with pytest.raises(BadRequest, match="cannot be created"):
        new_file.create(str(tmp_path / "none" / "out.srt"))

    assert path.read_bytes() == b"first"
    assert path.stat().st_mode & 0o777 == 0o600
