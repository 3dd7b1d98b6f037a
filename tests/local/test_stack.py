"""The stack's parent with real processes: a Redis, a Triton, a gRPC server, and idle ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from medsynth.errors import FailedPreconditionError
from medsynth.local import stack
from medsynth.local.addresses import local_settings, read_state
from medsynth.local.lock import holder
from medsynth.local.parent import logs
from medsynth.local.plan import Plan, Process
from medsynth.local.probe import answers
from medsynth.local.processes import make_plan
from medsynth.settings import Settings
from tests.support import eventually

IDLE = (sys.executable, "-c", "import signal; signal.pause()")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, subprocess, sys\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
    "print(child.pid, flush=True)\n"
    "signal.pause()",
)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody asked about does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def pids(home: Path) -> dict[str, int]:
    state = read_state(home)
    assert state is not None
    return {name: process["pid"] for name, process in state["processes"].items()}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stack.stop(tmp_path)


@pytest.fixture
def infrastructure(home: Path) -> Plan:
    """Redis and Triton out of the usual plan."""
    plan = make_plan(Settings(home=home))
    processes = tuple(p for p in plan.processes if p.name in ("redis", "triton"))
    return Plan(plan.home, plan.settings, (*processes, Process("idle", IDLE)))


def idle(home: Path, *others: Process, seconds: float = 60) -> Plan:
    return Plan(str(home), {}, (Process("idle", IDLE), *others), seconds)


def test_starts_tells_its_addresses_and_leaves_nothing(home: Path, infrastructure: Plan) -> None:
    stack.start(plan=infrastructure)
    settings = local_settings(home)
    client = redis.Redis.from_url(settings.redis_url)
    client.set("a", "b")
    assert client.config_get("appendonly")["appendonly"] == "yes"
    assert client.config_get("bind")["bind"] == "127.0.0.1"
    assert answers(f"grpc://{settings.triton_url}")
    assert settings.triton_backend == "python"
    running = pids(home)
    assert stack.status(home).state == "running"
    assert {p.name for p in infrastructure.processes} == set(running)

    assert stack.stop(home)
    assert not any(alive(pid) for pid in running.values())
    assert {path.name for path in home.iterdir()} == {"logs", "models", "redis", "triton"}
    assert stack.status(home).state == "stopped"
    assert not stack.stop(home)

    stack.start(plan=infrastructure)
    assert client.get("a") == b"b"


def test_a_second_start_says_that_one_runs(home: Path) -> None:
    stack.start(plan=idle(home))
    running = pids(home)
    with pytest.raises(FailedPreconditionError, match=f"process {holder(home)}") as error:
        stack.start(plan=idle(home))
    assert error.value.reason == "ALREADY_RUNNING"
    assert pids(home) == running


def test_what_dies_is_started_again_with_what_it_left_killed(home: Path) -> None:
    stack.start(plan=idle(home, Process("stubborn", STUBBORN)))
    log = logs(home) / "stubborn.log"
    left = int(eventually(log.read_text))
    first = pids(home)["stubborn"]
    os.kill(first, signal.SIGKILL)
    second = eventually(lambda: pids(home)["stubborn"] not in (first, None) and pids(home))
    assert alive(second["stubborn"])
    eventually(lambda: not alive(left))
    assert stack.status(home).processes["stubborn"].restarts == 1
    assert (
        "stubborn was ended by SIGKILL; it starts again" in (logs(home) / "stack.log").read_text()
    )


def test_what_does_not_stop_is_killed_with_its_children(home: Path) -> None:
    stack.start(plan=idle(home, Process("stubborn", STUBBORN, stop_seconds=0.2)))
    child = int(eventually((logs(home) / "stubborn.log").read_text))
    running = pids(home)
    stack.stop(home)
    eventually(lambda: not any(alive(pid) for pid in (*running.values(), child)))


def test_stops_stage_by_stage(home: Path) -> None:
    order = home / "order"
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit())\n"
        "try:\n    print('ready', flush=True); signal.pause()\n"
        f"finally:\n    open({str(order)!r}, 'a').write(sys.argv[1])"
    )
    processes = [
        Process(f"p{stage}", (sys.executable, "-c", script, str(stage)), stage=stage)
        for stage in (2, 0, 1)
    ]
    stack.start(plan=Plan(str(home), {}, tuple(processes)))
    for process in processes:
        eventually((logs(home) / f"{process.name}.log").read_text)
    stack.stop(home)
    assert order.read_text() == "012"


def test_children_die_with_a_killed_parent(home: Path) -> None:
    running = stack.start(plan=idle(home))
    children = pids(home)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    eventually(lambda: not any(alive(pid) for pid in children.values()))
    assert holder(home) is None
    assert local_settings(home).trainer_address == Settings().trainer_address
    stack.start(plan=idle(home))
    assert alive(pids(home)["idle"])


def test_a_stack_that_is_not_detached_ends_with_its_starter(home: Path) -> None:
    (home / "plan.json").write_text(idle(home).to_json())
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import pathlib, signal, sys\n"
            "from medsynth.local import plan, stack\n"
            "text = pathlib.Path(sys.argv[1]).read_text()\n"
            "stack.start(plan=plan.Plan.from_json(text), detach=False)\n"
            "signal.pause()",
            str(home / "plan.json"),
        ]
    )
    eventually(lambda: read_state(home))
    children = pids(home)
    starter.kill()
    starter.wait()
    eventually(lambda: holder(home) is None)
    assert not any(alive(pid) for pid in children.values())
    assert read_state(home) is None


def test_a_process_that_ends_at_once_is_named_with_its_log(home: Path) -> None:
    broken = Process("broken", (sys.executable, "-c", "raise SystemExit('no such thing')"))
    unready = Process("unready", IDLE, ready="tcp://127.0.0.1:1")
    with pytest.raises(FailedPreconditionError, match="broken ended with status 1") as error:
        stack.start(plan=idle(home, broken, unready))
    assert "no such thing" in error.value.message
    assert holder(home) is None
    assert read_state(home) is None


def test_a_process_that_is_not_ready_in_time_is_named(home: Path) -> None:
    unready = Process("unready", IDLE, ready="grpc://127.0.0.1:1")
    with pytest.raises(FailedPreconditionError, match=r"unready was not ready within 1 s"):
        stack.start(plan=idle(home, unready, seconds=1))
    assert holder(home) is None


def test_a_program_that_is_missing_is_named(home: Path) -> None:
    with pytest.raises(FailedPreconditionError, match="no-such-program"):
        stack.start(plan=idle(home, Process("x", ("/no-such-program",))))
    assert holder(home) is None
