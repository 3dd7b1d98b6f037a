from __future__ import annotations

import json
import logging
import socket
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter

from medsynth.errors import FailedPreconditionError
from medsynth.platform.telemetry import (
    log_fields,
    set_log_fields,
    set_up_logging,
    start_metrics,
)
from medsynth.settings import Settings


@pytest.fixture(autouse=True)
def keep_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    set_log_fields()


def test_every_line_is_an_object_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(Settings(log_format="json"), "trainer")
    log = logging.getLogger("a.b")
    with log_fields(job="trainingJobs/x", attempt=2):
        with log_fields(request_id="r"):
            log.info("one %s", "ü\nline", extra={"more": 1})
        try:
            raise ValueError("why")
        except ValueError:
            log.exception("two")
    log.debug("not shown")
    log.warning("three")
    first, second, third = map(json.loads, capsys.readouterr().err.splitlines())
    assert first["message"] == "one ü\nline"
    assert (first["job"], first["attempt"], first["request_id"]) == ("trainingJobs/x", 2, "r")
    assert (first["process"], first["logger"], first["level"]) == ("trainer", "a.b", "INFO")
    assert first["more"] == 1
    assert first["time"].endswith("+00:00")
    assert "request_id" not in second
    assert "ValueError: why" in second["exception"]
    assert "job" not in third


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(Settings(log_format="text"), "trainer")
    with log_fields(job="trainingJobs/x"):
        logging.getLogger("a").info("hello")
    assert capsys.readouterr().err.endswith("INFO a: hello job=trainingJobs/x\n")


def test_metrics_are_served() -> None:
    registry = CollectorRegistry()
    Counter("images_trained", "Images.", registry=registry).inc(3)
    server = start_metrics("127.0.0.1:0", registry)
    assert server is not None
    url = f"http://127.0.0.1:{server.server_port}/metrics"
    with urllib.request.urlopen(url) as answer:
        assert b"images_trained_total 3.0" in answer.read()
    server.shutdown()
    server.server_close()


def test_no_address_means_no_metrics() -> None:
    assert start_metrics("") is None


def test_an_address_that_is_taken_is_named() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        with pytest.raises(FailedPreconditionError, match=address):
            start_metrics(address)


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:x", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(FailedPreconditionError, match=address):
        start_metrics(address)
