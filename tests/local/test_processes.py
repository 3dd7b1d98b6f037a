from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from medsynth.errors import FailedPreconditionError
from medsynth.local.plan import Plan, Process
from medsynth.local.processes import make_plan
from medsynth.settings import Settings


def plan_of(home: Path, **settings: object) -> Plan:
    return make_plan(Settings(home=home, **settings))  # type: ignore[arg-type]


def process(plan: Plan, name: str) -> Process:
    return next(p for p in plan.processes if p.name == name)


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield f"127.0.0.1:{holder.getsockname()[1]}"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MEDSYNTH_")]:
        monkeypatch.delenv(name)


def test_everything_listens_on_loopback_at_addresses_of_its_own(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert [p.name for p in plan.processes] == [
        *("redis", "triton", "trainer", "sampler", "evaluator", "worker-gpu", "worker-light")
    ]
    addresses = [p.ready.partition("://")[2] for p in plan.processes]
    assert all(address.startswith("127.0.0.1:") for address in addresses)
    assert len(set(addresses)) == len(addresses)
    trainer = process(plan, "trainer").environment
    assert trainer["MEDSYNTH_LISTEN_ADDRESS"] == plan.settings["trainer_address"]
    assert trainer["MEDSYNTH_METRICS_ADDRESS"].startswith("127.0.0.1:")
    assert json.loads(trainer["MEDSYNTH_DATA_ROOTS"]) == ["/"]
    assert trainer["MEDSYNTH_TRITON_BACKEND"] == "python"


def test_children_read_the_settings_that_they_are_meant_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = plan_of(
        Path("home"),
        data_roots=("data", "s3://bucket"),
        storage_root="memory://x",
        weights_root=Path("weights"),
        weights_download=False,
        device="cpu",
    )
    for name, value in process(plan, "worker-gpu").environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir("/")
    settings = Settings()
    assert settings.home == tmp_path / "home"
    assert settings.data_roots == (str(tmp_path / "data"), "s3://bucket")
    assert settings.storage_root == "memory://x"
    assert settings.weights_root == tmp_path / "weights"
    assert settings.weights_download is False
    assert settings.device == "cpu"
    assert settings.redis_url == plan.settings["redis_url"]


def test_addresses_that_are_set_are_used(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, redis_url="redis://r:1/0", triton_url="t:2")
    assert not {"redis", "triton"} & {p.name for p in plan.processes}
    assert plan.settings["redis_url"] == "redis://r:1/0"
    assert process(plan, "sampler").environment["MEDSYNTH_TRITON_URL"] == "t:2"
    assert "triton_backend" not in plan.settings


def test_a_service_address_that_is_taken_is_refused(tmp_path: Path, taken: str) -> None:
    with pytest.raises(FailedPreconditionError, match=f"trainer_address is '{taken}'"):
        plan_of(tmp_path, trainer_address=taken)


def test_a_default_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    default = Settings().sampler_address
    host, _, port = default.rpartition(":")
    with socket.socket() as holder:
        # Else another process has it, which is as good.
        with contextlib.suppress(OSError):
            holder.bind((host, int(port)))
            holder.listen()
        assert plan_of(tmp_path).settings["sampler_address"] != default


def test_a_plan_survives_its_journey(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert Plan.from_json(plan.to_json()) == plan
