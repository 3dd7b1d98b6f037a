"""A short fuzz of every method, the same each time; `make fuzz` goes on for longer."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.calls import methods
from tests.fuzz.fuzzing import fuzz, servers
from tests.redis_server import free_port


def test_nothing_that_a_client_sends_is_unexpected(tmp_path: Path) -> None:
    with servers(tmp_path, f"127.0.0.1:{free_port()}") as services:
        findings = fuzz(services, seed=0, examples=25, rounds=1)
    assert not findings.failures, "\n\n".join(findings.failures)
    assert {method for method, _ in findings.counts} == {m.name for _, m in methods()}
