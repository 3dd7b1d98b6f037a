"""Reads one case as a worker's child process would, and says how it ended."""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from medsynth.data.pseudonyms import use_key
from medsynth.data.readers.interface import Problem
from medsynth.data.source import Source, opened, resolve
from medsynth.errors import MedsynthError
from tests.fuzz_readers.cases import SOURCE, Case

READ, REFUSED = "read", "refused"
EXCEPTION, MEMORY = "exception", "memory"

_KEY: Final = b"a key that only the fuzzer knows"
_CORES: Final = 2


@dataclass(frozen=True)
class Answer:
    """How reading a case ended.

    Attributes:
        outcome: `READ`: nothing was wrong with it. `REFUSED`: it, or a file of it, cannot be used,
            and that was said as it should be. `EXCEPTION` or `MEMORY`: it was not.
        cause: What the project did wrong, in one line; empty for the first two.
        detail: What there is to know about it.
        seconds: Of processor time.
    """

    outcome: str
    cause: str = ""
    detail: str = ""
    seconds: float = 0.0


def serve(pipe: Connection, log: Path, read: Callable[[Path], Answer]) -> None:
    """Answers for one folder of a case after the other until the pipe closes.

    Args:
        pipe: Folders come in, answers go out; at first an empty one says that it is ready.
        log: Gets what is printed, and where the process was when it crashed or was aborted.
        read: What answers.
    """
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    faulthandler.enable()
    pipe.send(Answer(""))
    while True:
        try:
            folder = pipe.recv()
        except (EOFError, OSError):
            return
        began = time.process_time()
        answer = read(folder)
        pipe.send(replace(answer, seconds=time.process_time() - began))


def read_case(folder: Path) -> Answer:
    """Reads a case in its way, through what a job calls.

    Args:
        folder: Where it was saved.
    """
    use_key(_KEY)
    answer = _read(Case.load(folder), folder)
    loaded = [name for name in ("SimpleITK", "torch") if name in sys.modules]
    if loaded:
        return Answer(EXCEPTION, f"{loaded[0]} was loaded to read what a user sent", answer.detail)
    return answer


def _read(case: Case, folder: Path) -> Answer:
    try:
        problems = _WAYS[case.way](case, folder)
    except MedsynthError as error:
        told = f"{type(error).__name__}: {error.message}"
        if isinstance(error.__cause__, MemoryError):
            return Answer(MEMORY, "want of memory was told as a broken file", told)
        return Answer(REFUSED, detail=told)
    except MemoryError as error:
        return Answer(MEMORY, _cause(error), traceback.format_exc())
    except BaseException as error:  # noqa: BLE001 - whatever comes out is what is looked for
        return Answer(EXCEPTION, _cause(error), traceback.format_exc())
    if problems:
        return Answer(REFUSED, detail="\n".join(f"{p.file}: {p.reason}" for p in problems))
    return Answer(READ)


def _inspect(case: Case, folder: Path) -> Sequence[Problem]:
    """As a job of inspection, with its page and the message that the service answers with."""
    from google.protobuf import json_format

    from medsynth.data.inspecting import inspect
    from medsynth.data.inspection_page import render_inspection
    from medsynth.v1 import trainer_pb2

    found, thumbnails = inspect(
        _source(case, folder), progress=_no_progress, roots=_roots(folder), cores=_CORES
    )
    content = json.loads(json.dumps(found.to_mapping()))
    json_format.ParseDict(content, trainer_pb2.Inspection()).SerializeToString()
    render_inspection(found, thumbnails).encode()
    return found.problems


def _volumes(case: Case, folder: Path) -> Sequence[Problem]:
    """Every scan by itself, so that those after a broken one are read too."""
    from medsynth.data.reading import problem_of, read_scan
    from medsynth.data.slices import prepare_volume
    from medsynth.errors import DataError

    source = _source(case, folder)
    with opened(source, _roots(folder)) as (reader, files):
        survey = reader.survey(files, source.options)
        problems = list(survey.problems)
        for scan in survey.scans:
            try:
                volume = read_scan(reader, files, scan, source.options)
                prepare_volume(volume, source.preparation)
            except DataError as error:
                problems.append(problem_of(scan, error.message, files))
    return problems


def _prepare(case: Case, folder: Path) -> Sequence[Problem]:
    """As a job of preparation: into a storage."""
    from medsynth.data.prepared import PreparedSet
    from medsynth.data.preparing import prepare
    from medsynth.storage import Storage

    artifact = prepare(
        _source(case, folder), Storage(str(folder / "storage")), "a1",
        progress=_no_progress, roots=_roots(folder), cores=_CORES,
    )  # fmt: skip
    PreparedSet.open(artifact, folder / "cache")
    listed = json.loads(artifact.read("problems.json"))["problems"]
    return [Problem(**problem) for problem in listed]


def _samples(case: Case, folder: Path) -> Sequence[Problem]:
    """As a folder of drawn samples that is scored."""
    from medsynth.data.sample_folder import read_sample_folder

    read_sample_folder(Path(case.uri(folder)))
    return ()


_WAYS: Final[dict[str, Callable[[Case, Path], Sequence[Problem]]]] = {
    "inspect": _inspect,
    "volumes": _volumes,
    "prepare": _prepare,
    "samples": _samples,
}


def _source(case: Case, folder: Path) -> Source:
    asked = {"uri": case.uri(folder), "reader": case.reader, "preparation": case.preparation}
    source = Source.from_mapping(asked)
    return replace(source, uri=resolve(source.uri, _roots(folder)))


def _roots(folder: Path) -> list[str]:
    return [str(folder / SOURCE)]


def _no_progress(done: int, total: int) -> None:
    pass


def _cause(error: BaseException) -> str:
    """The exception and the innermost place of the project, or of the fuzzer, that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/medsynth/" in frame.filename] or frames
    place = own[-1]
    file = place.filename.rpartition("/medsynth/")[2]
    return f"{type(error).__name__} in {file}, {place.name}: {str(error)[:120]}"
