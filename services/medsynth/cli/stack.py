"""`medsynth up`, `down` and `status`: the stack on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from medsynth.cli.flags import Json, examples

_ADDRESSES = ("trainer_address", "sampler_address", "evaluator_address")


@examples("medsynth up --detach", "medsynth up")
def up(
    detach: Annotated[
        bool, typer.Option("--detach", help="Return once everything is ready and leave it running.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Start Redis, Triton, the three services and two workers; Ctrl-C stops them.

    They listen on the loopback interface alone.
    """
    from medsynth.cli.output import remark
    from medsynth.local import stack

    if detach and stack.status().state == "running":
        remark("already running")
        _print_status(as_json)
        return
    remark("starting ...")
    started = stack.start(detach=detach)
    _print_status(as_json)
    if detach:
        remark("stop it:  medsynth down")
        return
    remark("Ctrl-C stops it")
    try:
        started.wait()
    except KeyboardInterrupt:
        remark("stopping ...")
        started.stop()
        raise


@examples("medsynth down")
def down(as_json: Json = False) -> None:
    """Stop the stack of this machine. Jobs that run go on with the next start."""
    from medsynth.cli.output import emit, remark, say
    from medsynth.local import stack

    if not as_json and stack.status().state != "stopped":
        remark("stopping ...")
    was_running = stack.stop()
    if as_json:
        emit({"state": "stopped", "was_running": was_running})
    else:
        say("stopped" if was_running else "nothing was running")


@examples("medsynth status", "medsynth status --json")
def status(as_json: Json = False) -> None:
    """Show whether the stack of this machine runs, its processes and its addresses."""
    _print_status(as_json)


@contextmanager
def running_stack(tell: Callable[[str], None]) -> Iterator[bool]:
    """Services answer within the block.

    Args:
        tell: Told what happens to the stack.

    Yields:
        Whether the stack was started for the block. Then it is stopped after it, however it ends;
        a stack that ran before, and services that the environment names, are left alone.
    """
    from medsynth.local import stack
    from medsynth.settings import get_settings

    named = get_settings().model_fields_set.issuperset(_ADDRESSES)
    if named or stack.status().state == "running":
        tell("using the services that run")
        yield False
        return
    tell("starting Redis, Triton, the services and the workers")
    # Tied to this process: even if it is killed, nothing is left behind.
    started = stack.start(detach=False)
    try:
        yield True
    finally:
        tell("stopping them")
        started.stop()


def _print_status(as_json: bool) -> None:
    from medsynth.cli.output import details, emit, say, table

    document = _status()
    if as_json:
        emit(document)
        return
    if document["state"] != "running":
        say(f"{document['state']}: `medsynth up --detach` starts everything")
        return
    table(
        ("process", "pid", "restarts", "answers at", "/metrics at"),
        [
            (
                name,
                str(process["pid"] or "restarting"),
                str(process["restarts"]),
                process["ready"],
                process["metrics"],
            )
            for name, process in document["processes"].items()
        ],
        numbers=("pid", "restarts"),
    )
    details({key: document[key] for key in ("home", "storage")})


def _status() -> dict[str, Any]:
    from medsynth.local import stack
    from medsynth.local.addresses import local_settings

    found, settings = stack.status(), local_settings()
    return {
        "state": found.state,
        "pid": found.pid,
        "addresses": {key.removesuffix("_address"): getattr(settings, key) for key in _ADDRESSES},
        "processes": {
            name: {
                "pid": process.pid,
                "restarts": process.restarts,
                "ready": process.ready,
                "metrics": process.metrics,
            }
            for name, process in found.processes.items()
        },
        "home": str(settings.home),
        "storage": settings.storage,
    }
