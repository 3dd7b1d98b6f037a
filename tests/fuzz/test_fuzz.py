"""A short fuzz of every method, the same each time; `make fuzz` goes on for longer."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.calls import methods
from tests.fuzz.fuzzing import fuzz, servers
from tests.triton_server import TritonServer


def test_nothing_that_a_client_sends_is_unexpected(tmp_path: Path) -> None:
    triton = TritonServer(tmp_path)
    triton.start()
    try:
        with servers(tmp_path, triton.url, triton.models) as services:
            findings = fuzz(services, seed=0, examples=20, rounds=1)
    finally:
        triton.stop()
    assert not findings.failures, "\n\n".join(findings.failures)
    assert {method for method, _ in findings.counts} == {m.name for _, m in methods()}
    answered = {method for method, code in findings.counts if code == "OK"}
    assert len(answered) > 25, f"only these were ever answered: {answered}"
