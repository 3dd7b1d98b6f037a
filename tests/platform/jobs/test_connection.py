"""What a real Redis that takes nothing says, in our own words."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import redis

from medsynth.errors import MedsynthError
from medsynth.platform.jobs.connection import domain_errors
from tests.redis_server import RedisServer

FULL = ("CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1")


@pytest.fixture
def restored(redis_server: RedisServer) -> Iterator[RedisServer]:
    yield redis_server
    for command in (
        *("CONFIG SET maxmemory 0", "REPLICAOF NO ONE", "CONFIG SET min-replicas-to-write 0"),
        "CONFIG SET maxmemory-policy noeviction",
    ):
        redis_server.client.execute_command(command)


@pytest.mark.parametrize("command", ["SADD set 1", "EVAL return(redis.call('SADD','set','1')) 0"])
@pytest.mark.parametrize(
    ("commands", "reason"),
    [
        (FULL, "JOB_STORE_FULL"),
        (["REPLICAOF 127.0.0.1 1"], "JOB_STORE_DOWN"),
        (["CONFIG SET min-replicas-to-write 1"], "JOB_STORE_DOWN"),
    ],
    ids=["full", "read-only", "without replicas"],
)
def test_a_redis_that_takes_nothing(
    restored: RedisServer, commands: list[str], reason: str, command: str
) -> None:
    client = restored.client
    for change in commands:
        client.execute_command(change)
    with pytest.raises(MedsynthError) as raised, domain_errors():
        client.execute_command(*command.split(" "))
    assert raised.value.reason == reason


def test_a_redis_that_is_busy_with_a_script(restored: RedisServer) -> None:
    client = restored.client
    client.config_set("lua-time-limit", 1)

    def spin() -> None:
        with pytest.raises(redis.ResponseError, match="killed"):
            restored.client.eval("while true do end", 0)

    script = threading.Thread(target=spin)
    script.start()
    reasons: list[str] = []
    try:
        while not reasons:
            try:
                with domain_errors():
                    client.get("key")
            except MedsynthError as error:
                reasons.append(error.reason)
    finally:
        client.script_kill()
        script.join()
        client.config_set("lua-time-limit", 5000)
    assert reasons == ["JOB_STORE_DOWN"]
