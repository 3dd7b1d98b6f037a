"""Jobs for tests: each does what its specification, a Struct, says.

Fields of a specification:

    say          a message for the events
    log          a warning for the log
    steps        progress is reported so many times
    seconds      time that the steps take, together; without steps it means nothing
    hold         goes on until told to stop, or until the file of this path exists
    stubborn     does not stop when told to
    busy         computes instead of waiting while it holds
    hang         waits for what never comes, in the attempts up to `hangs` (default 1)
    crash        `kill`, `exit` or `raise` in the attempts up to `crashes` (default 1)
    error        raises the domain error of this name, in the attempts up to `errors` if given
    errno        raises an `OSError` of this number, likewise
    forgets      leaves but an empty folder in the work folder, nothing to resume from
    spawn        starts a program that would outlive it
    wait_for     specifications of `echo` children, each with an optional `share_key` and `kind`
    publish      publishes an artifact of this name

Attempts count themselves in the work folder; the result says how many there were.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format, struct_pb2

from medsynth import errors
from medsynth.platform.jobs.child import ChildJob, Done, JobContext, WaitFor, Yielded, run
from medsynth.platform.jobs.kinds import JobKind

_STRUCT: Final = "google.protobuf.Struct"

KINDS: Final = {
    "echo": JobKind("echo", "echoJobs", "light", "tests.platform.jobs.echo", _STRUCT),
    "heavy": JobKind("heavy", "heavyJobs", "gpu", "tests.platform.jobs.echo", _STRUCT),
}


def specification(**fields: Any) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    json_format.ParseDict(fields, message)
    return message


def _count_attempt(context: JobContext) -> int:
    counter = context.checkpoints / "attempts"
    counter.parent.mkdir(exist_ok=True)
    count = int(counter.read_text()) + 1 if counter.exists() else 1
    counter.write_text(str(count))
    return count


def _crash(how: str) -> None:
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "exit":
        os._exit(3)
    raise RuntimeError("out of luck")


def _hold(context: JobContext, gate: Path, fields: Mapping[str, Any]) -> bool:
    """Returns whether it was told to stop."""
    pause = threading.Event()
    while not gate.exists():
        if context.stop_requested() and "stubborn" not in fields:
            return True
        if "busy" in fields:
            # One call that shows nothing of the loop around it.
            hashlib.pbkdf2_hmac("sha256", b"", b"", 500_000)
        else:
            pause.wait(0.01)
    return False


def _children(fields: Mapping[str, Any]) -> list[ChildJob]:
    return [
        ChildJob(
            child.get("kind", "echo"),
            specification(**{k: v for k, v in child.items() if k not in ("kind", "share_key")}),
            child.get("share_key", ""),
        )
        for child in fields["wait_for"]
    ]


def echo(context: JobContext) -> Done | WaitFor | Yielded:
    fields = json_format.MessageToDict(context.specification)
    attempts = _count_attempt(context)
    (context.scratch / "pid").write_text(str(os.getpid()))
    if "wait_for" in fields:
        results = context.child_results("echo") + context.child_results("heavy")
        if not results:
            return WaitFor(_children(fields))
        return Done({"children": ",".join(result.name for result in results)})
    if "spawn" in fields:
        lives_on = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        context.message(f"spawned {lives_on.pid}")
    pause = threading.Event()
    for step in range(int(fields.get("steps", 0))):
        pause.wait(fields.get("seconds", 0) / fields["steps"])
        if context.stop_requested():
            return Yielded()
        context.progress(step + 1, int(fields["steps"]), "steps", {"loss": 1.0 / (step + 1)})
    context.message(f"{fields.get('say', 'begun')} {os.getpid()}")
    if "log" in fields:
        logging.getLogger("tests.echo").warning(fields["log"])
    if "crash" in fields and attempts <= fields.get("crashes", 1):
        _crash(fields["crash"])
    if "hang" in fields and attempts <= fields.get("hangs", 1):
        threading.Event().wait()
    if "hold" in fields and _hold(context, Path(fields["hold"]), fields):
        return Yielded()
    if "error" in fields and attempts <= fields.get("errors", attempts):
        raise getattr(errors, fields["error"])("as the specification says")
    if "errno" in fields and attempts <= fields.get("errors", attempts):
        if "forgets" in fields:
            shutil.rmtree(context.work_folder)
            (context.checkpoints / "begun").mkdir(parents=True)
        raise OSError(int(fields["errno"]), os.strerror(int(fields["errno"])), "/storage/x")
    if "publish" in fields:
        draft = context.storage.draft("reports", fields["publish"], context.attempt_name)
        draft.write("content", b"echo")
        context.publish(draft, {})
    return Done({"attempts": str(attempts)})


if __name__ == "__main__":
    run({"echo": echo, "heavy": echo})
