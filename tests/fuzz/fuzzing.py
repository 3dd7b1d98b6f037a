"""Sends hypothesis' requests to running services and counts what comes back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import hypothesis
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings

from tests.fuzz.calls import call, complaints, methods
from tests.fuzz.messages import Request, requests
from tests.fuzz.world import World
from tests.redis_server import RedisServer
from tests.services import Services
from tests.support import eventually


@dataclass
class Findings:
    """What came of it.

    Attributes:
        counts: Calls by method and status.
        failures: One text for each round that found something, with the smallest request.
        memory: Resident bytes of each server at the start and at the end.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    memory: dict[str, tuple[int, int]] = field(default_factory=dict)


@contextmanager
def servers(folder: Path, triton_url: str, models: Path | None = None) -> Iterator[Services]:
    """The three services beside a Redis of their own.

    Args:
        folder: For their files.
        triton_url: Of a Triton; nothing needs to answer there.
        models: That Triton's model repository.
    """
    redis = RedisServer(folder)
    redis.start()
    home = folder / "home"
    home.mkdir()
    services = Services(
        home,
        redis.url,
        triton_url=triton_url,
        model_repository=models or "",
        data_roots=f'["{home / "data"}"]',
        rpc_grace=0,
    )
    try:
        services.start()
        yield services
    finally:
        services.stop()
        redis.stop()


def fuzz(
    services: Services,
    *,
    seed: int,
    examples: int,
    rounds: int | None = None,
    stop: threading.Event | None = None,
    on_round: Callable[[Findings, str], None] = lambda findings, method: None,
) -> Findings:
    """Fuzzes every method in turn.

    Args:
        services: Running, without workers.
        seed: The same seed sends the same requests, save for the ids of jobs.
        examples: Requests of a method in a round.
        rounds: How often each method has its turn. None: until told to stop.
        stop: Ends the fuzzing before the next method's turn.
        on_round: Told after each method's turn.
    """
    findings, world = Findings(), World(services)
    channels = {name: services.channel(name) for name in services.addresses}
    world.refresh()
    before = {name: services.memory(name) for name in services.addresses}
    number = 0
    while rounds is None or number < rounds:
        for place, (server, method) in enumerate(methods()):
            if stop is not None and stop.is_set():
                break
            world.refresh()
            turn = _turn(channels[server], method, world, findings.counts)
            try:
                _seeded(turn, seed * 1_000_003 + number * 1009 + place, examples)()
            except Exception as error:  # noqa: BLE001 - whatever it found is reported
                findings.failures.append(_told(method, error))
            on_round(findings, method.name)
        else:
            number += 1
            continue
        break
    _check_afterwards(services, findings)
    for channel in channels.values():
        channel.close()
    findings.memory = {name: (before[name], services.memory(name)) for name in before}
    return findings


def _turn(
    channel: grpc.Channel, method: MethodDescriptor, world: World, counts: Counter[tuple[str, str]]
) -> Callable[..., None]:
    templates = world.templates().get(method.input_type.full_name, ())

    @given(request=requests(method.input_type, world.words(), templates))
    def turn(request: Request) -> None:
        answer = call(channel, method, request.content)
        counts[method.name, answer.code.name] += 1
        found = complaints(method, answer)
        shown = f"{_shown(method, request.content)}\n{answer.text[:300]}"
        assert not found, f"{'; '.join(found)}\n{shown}"

    return turn


def _seeded(turn: Callable[..., None], seed: int, examples: int) -> Callable[[], Any]:
    limited = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    return hypothesis.seed(seed)(limited(turn))


def _check_afterwards(services: Services, findings: Findings) -> None:
    """The processes live, every call has ended, and nothing unexpected was logged."""
    if not services.alive():
        findings.failures.append("a server has ended")
        return
    for name in services.addresses:
        try:
            eventually(lambda name=name: services.calls_under_way(name) == 0, 15)
        except AssertionError:
            left = services.calls_under_way(name)
            findings.failures.append(f"{name}: {left} calls go on although their clients left")
        if "unexpected error" in services.log(name):
            findings.failures.append(f"{name}: its log has unexpected errors")


def _told(method: MethodDescriptor, error: Exception) -> str:
    return f"{method.containing_service.name}.{method.name}: {error}"


def _shown(method: MethodDescriptor, request: bytes) -> str:
    try:
        message = GetMessageClass(method.input_type).FromString(request)
    except DecodeError:
        return f"bytes {request[:200]!r}"
    return str(message)[:300] or "an empty message"
