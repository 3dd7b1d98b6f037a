"""`up`, `down` and `status` where nothing runs; tests/system runs the whole stack."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Medsynth


def test_status_and_down_where_nothing_runs(medsynth: Medsynth, tmp_path: Path) -> None:
    ran = medsynth("status")
    assert ran.code == 0
    assert ran.out.startswith("stopped: `medsynth up --detach`")
    document = medsynth("status", "--json").json
    assert (document["state"], document["pid"], document["processes"]) == ("stopped", None, {})
    assert document["addresses"]["sampler"] == "127.0.0.1:1"
    assert document["home"] == str(tmp_path / "home")
    assert medsynth("down").out == "nothing was running\n"
    assert medsynth("down", "--json").json == {"state": "stopped", "was_running": False}
