"""What holds for all commands: help, JSON, usage errors, start-up, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from medsynth.cli.app import app
from medsynth.settings import get_settings
from tests.cli.conftest import Medsynth
from tests.cli.services import Services


def commands(group: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command."""
    if not hasattr(group, "commands"):
        return [path]
    return [
        found
        for name, command in group.commands.items()
        for found in commands(command, (*path, name))
    ]


EVERY = commands(typer.main.get_command(app))


def test_the_commands() -> None:
    assert {words[0] for words in EVERY} == {
        *("demo", "train", "sample", "draw", "evaluate", "report", "up", "down", "status"),
        *("presets", "data", "generators", "jobs", "delete"),
    }


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_help_has_an_example_and_json(medsynth: Medsynth, words: tuple[str, ...]) -> None:
    ran = medsynth(*words, "--help")
    assert ran.code == 0
    assert f" medsynth {' '.join(words)}" in ran.out.split("Usage:")[1].split("\n", 1)[1]
    assert "--json" in ran.out


def test_the_exit_codes_are_in_the_help(medsynth: Medsynth) -> None:
    out = " ".join(medsynth("--help").out.split())
    assert "3 the job failed" in out
    assert "130 interrupted" in out


@pytest.mark.parametrize(
    "words", [("train",), ("nonsense",), ("train", "--data", "x", "--gan", "hinge", "--what")]
)
def test_a_wrong_use_is_a_user_error(medsynth: Medsynth, words: tuple[str, ...]) -> None:
    ran = medsynth(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "--help" in ran.err
    ran = medsynth(*words, "--json")
    assert ran.code == 2
    assert ran.json["error"]["reason"] == "USAGE"


@pytest.mark.parametrize("number", ["many", "3.5", str(2**63), "1e3"])
def test_numbers_that_no_field_holds_are_refused(medsynth: Medsynth, number: str) -> None:
    ran = medsynth("train", "--data", "x", "--gan", "hinge", "--seed", number)
    assert ran.code == 2
    assert number in ran.err


@pytest.mark.parametrize(
    "arguments", [("--data", "/scans/\udce4"), ("--data", "/scans", "--class-names", "\udce4")]
)
def test_names_that_are_not_in_utf_8_are_refused(
    medsynth: Medsynth, services: Services, arguments: tuple[str, ...]
) -> None:
    ran = medsynth("data", "prepare", *arguments)
    assert ran.code == 2
    assert "udce4" in ran.err
    assert "UTF-8" in ran.err
    assert services.requests == []


def test_the_help_loads_neither_services_nor_numbers() -> None:
    heavy = ("torch", "grpc", "numpy", "google.protobuf", "pydantic_settings", "PIL")
    program = (
        "import sys\nfrom medsynth.cli.app import run\nrun(['train', '--help'])\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stderr == "[]\n"


def interrupted(services: Services, *arguments: str) -> tuple[int, str, str]:
    """Runs the command in a process of its own and presses Ctrl-C in the middle of its work."""
    services.stays = True
    services.watching.clear()
    # Background jobs of a shell, and what they start, ignore Ctrl-C.
    heeds = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{heeds}; from medsynth.cli import main; main()", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert services.watching.wait(90)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


def test_ctrl_c_leaves_the_job_running_and_says_how_to_go_on(services: Services) -> None:
    train = ("train", "--data", "phantom://cardiac", "--gan", "hinge")
    code, out, err = interrupted(services, *train)
    assert (code, out) == (130, "")
    assert "medsynth jobs watch trainingJobs/t1" in err
    assert "medsynth jobs cancel trainingJobs/t1" in err
    assert "Traceback" not in err
    code, out, err = interrupted(services, *train, "--json")
    assert code == 130
    assert json.loads(out)["jobs"] == ["trainingJobs/t1"]


def test_ctrl_c_while_drawing_leaves_nothing_behind(services: Services, tmp_path: Path) -> None:
    out = tmp_path / "there" / "samples"
    code, printed, err = interrupted(services, "sample", "heart", "--count", "3", "--out", str(out))
    assert (code, printed) == (130, "")
    assert "Traceback" not in err
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("MEDSYNTH_RPC_THREADS", "many"), ("MEDSYNTH_DATA_ROOTS", "/data")],
)
def test_a_setting_that_cannot_be_read_is_named(
    medsynth: Medsynth, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    ran = medsynth("presets", "--json")
    assert ran.code == 2
    assert ran.json["error"]["reason"] == "WRONG_SETTING"
    assert name.removeprefix("MEDSYNTH_").lower() in ran.json["error"]["message"].lower()


def test_a_folder_that_cannot_be_written_is_a_user_error(
    medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ran = medsynth("sample", "heart", "--count", 1, "--out", tmp_path / "file" / "samples")
    assert ran.code == 2
    assert str(tmp_path / "file") in ran.err


@pytest.mark.parametrize("words", [("presets",), ("presets", "--json")])
def test_a_reader_that_has_enough_gets_no_complaint(
    services: Services, words: tuple[str, ...]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-c", "from medsynth.cli import main; main()", *words]
    ran = subprocess.run(program, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (1, "")
