"""The systemd units are ones that systemd understands."""

import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parent.parent.parent / "packaging" / "systemd"
DROP_INS = [SYSTEMD / "listening.conf", SYSTEMD / "seeing.conf"]
UNITS = [SYSTEMD / "edged.service", SYSTEMD / "user" / "edged.service"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
@pytest.mark.parametrize("unit", [*UNITS, *DROP_INS], ids=["system", "user", "listening", "seeing"])
def test_systemd_knows_every_setting_of_the_unit(unit: Path, tmp_path: Path) -> None:
    """The program itself is not there, so it is replaced by one that is."""
    whole = unit.read_text() if unit in UNITS else UNITS[0].read_text() + unit.read_text()
    text = whole.replace("/opt/edged/bin/edged", "/bin/true")
    copy = tmp_path / "edged.service"
    copy.write_text(text.replace("%h/.local/bin/edged", "/bin/true"))

    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )

    complaints = [line for line in done.stderr.splitlines() if str(copy) in line]
    assert complaints == []


@pytest.mark.parametrize("unit", UNITS, ids=["system", "user"])
def test_the_unit_lets_workers_shut_themselves_in_and_die_alone(unit: Path) -> None:
    text = unit.read_text()

    for setting in ("Type=notify", "OOMPolicy=continue", "WatchdogSec=", "Restart=on-failure"):
        assert f"\n{setting}" in text
    assert "landlock_restrict_self" in text
    assert "\nMemoryDenyWriteExecute" not in text
