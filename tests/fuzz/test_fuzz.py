"""A short fuzz of every method, the same each time for the same code; `make fuzz` goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import MethodDescriptor

from tests.fuzz.calls import call, complaints, methods
from tests.fuzz.fuzzing import fuzz, servers
from tests.fuzz.messages import huge_requests
from tests.services import Services
from tests.triton_server import TritonServer


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("fuzz")
    triton = TritonServer(folder)
    triton.start()
    try:
        with servers(folder, triton.url, triton.models) as services:
            yield services
    finally:
        triton.stop()


def test_nothing_that_a_client_sends_is_unexpected(services: Services) -> None:
    findings = fuzz(services, seed=0, examples=20, rounds=1)
    assert not findings.failures, "\n\n".join(findings.failures)
    assert {method for method, _ in findings.counts} == {m.name for _, m in methods()}
    answered = {method for method, code in findings.counts if code == "OK"}
    assert len(answered) > 25, f"only these were ever answered: {answered}"


@pytest.mark.parametrize(
    ("server", "method"), [pytest.param(*each, id=each[1].name) for each in methods()]
)
def test_a_huge_field_costs_nothing(
    services: Services, server: str, method: MethodDescriptor
) -> None:
    """Just within the limit on requests, each string as a path, a list or a parameter that never
    ends, each list with as many entries as fit."""
    with services.channel(server) as channel:
        for place, request in huge_requests(method.input_type, 4 * 10**6):
            found = complaints(method, call(channel, method, request))
            assert not found, (place, found)
