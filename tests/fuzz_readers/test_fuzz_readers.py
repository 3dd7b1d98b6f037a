"""A short fuzz of every reader, the same each time for the same code; `make fuzz-readers` goes on.

The rest makes sure that the fuzzer would see what it looks for.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from random import Random

import pytest

from medsynth.errors import DataError
from tests.fuzz_readers import __main__ as command
from tests.fuzz_readers.cases import Case, Link, Pipe, write_tree
from tests.fuzz_readers.drawing import draw, pack
from tests.fuzz_readers.fuzzing import fuzz
from tests.fuzz_readers.header_fields import find_fields, mend_checksums, set_extreme
from tests.fuzz_readers.reading import EXCEPTION, MEMORY, READ, REFUSED, Answer, read_case
from tests.fuzz_readers.samples import Sample, gather
from tests.fuzz_readers.watching import CRASH, HANG, Limits, WatchedReader

ROUNDS = 8
"""Cases of each format."""

_WITH_HEADERS = ("PNG", "JPEG", "TIFF", "BMP", "NIfTI", "npz", "DICOM SEG", "Info.cfg")

MISDEEDS = {
    "crash": CRASH,
    "exit": CRASH,
    "hang": HANG,
    "take": MEMORY,
    "hold": MEMORY,
    "raise": EXCEPTION,
    "refuse": REFUSED,
    "read": READ,
}


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return gather(None)


def test_no_changed_file_is_too_much_for_the_readers(samples: list[Sample], tmp_path: Path) -> None:
    formats = {sample.format for sample in samples}
    findings = fuzz(samples, seed=0, kept=tmp_path, cases=ROUNDS * len(formats))
    assert not findings.failures, "\n\n".join(map(str, findings.failures.values()))
    assert set(findings.tallies) == formats
    for name, tally in findings.tallies.items():
        assert tally.outcomes[READ] + tally.outcomes[REFUSED] == ROUNDS, name
        assert tally.outcomes[REFUSED], f"{name}: nothing was broken"
    assert sum(tally.outcomes[READ] for tally in findings.tallies.values()) > len(formats)


def test_every_written_sample_can_be_read(samples: list[Sample], tmp_path: Path) -> None:
    written = [sample for sample in samples if not sample.real]
    with WatchedReader(tmp_path, Limits()) as reader:
        for number, sample in enumerate(written):
            folder = tmp_path / str(number)
            tree = (
                {sample.archive: pack(sample.archive, sample.tree)}
                if sample.archive
                else sample.tree
            )
            way = sample.ways[0]
            Case(sample.format, sample.name, 0, 0, way, sample.archive).save(folder, tree)
            answer = reader.read(folder).answer
            assert answer.outcome == READ, (sample.format, sample.name, answer)


def misbehave(folder: Path) -> Answer:
    """Does what the case is called."""
    name = Case.load(folder).sample
    if name == "crash":
        ctypes.string_at(0)
    if name == "exit":
        raise SystemExit(3)
    if name == "hang":
        threading.Event().wait()
    if name == "hold":
        bytearray(b"x") * 3 * 2**25
    return read_misdeed(name)


def read_misdeed(name: str) -> Answer:
    try:
        if name == "take":
            bytearray(2**40)
        if name == "raise":
            raise ValueError("no such thing")
        if name == "refuse":
            raise DataError("broken")
    except DataError:
        return Answer(REFUSED)
    except MemoryError:
        return Answer(MEMORY, "asked for too much")
    except ValueError as error:
        return Answer(EXCEPTION, str(error))
    return Answer(READ)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedReader]:
    limits = Limits(seconds=1, mebibytes=64)
    with WatchedReader(tmp_path_factory.mktemp("log"), limits, misbehave) as reader:
        yield reader


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_each_end_is_told_apart(watched: WatchedReader, tmp_path: Path, misdeed: str) -> None:
    Case("PNG", misdeed, 0, 0, "inspect").save(tmp_path / "case", {"a.png": b""})
    answer = watched.read(tmp_path / "case").answer
    assert answer.outcome == MISDEEDS[misdeed]
    assert bool(answer.cause) == (answer.outcome not in (READ, REFUSED))
    if misdeed in ("crash", "hang"):
        assert "in misbehave" in answer.detail


def read_after_itk(folder: Path) -> Answer:
    """As if a reader had loaded it."""
    import_module("SimpleITK")
    return read_case(folder)


def test_a_library_that_ends_the_process_is_not_let_near(
    samples: list[Sample], tmp_path: Path
) -> None:
    sample = next(sample for sample in samples if sample.name == "JPEG-LS")
    Case(sample.format, sample.name, 0, 0, "inspect").save(tmp_path / "case", sample.tree)
    with WatchedReader(tmp_path, Limits(), read_after_itk) as reader:
        answer = reader.read(tmp_path / "case").answer
    assert answer.outcome == EXCEPTION
    assert "SimpleITK was loaded" in answer.cause


def test_failures_are_kept(
    tmp_path: Path,
) -> None:
    sample = Sample("PNG", "raise", {"a.png": b"x", "b": Pipe()}, ["a.png"])
    findings = fuzz([sample], seed=3, kept=tmp_path, cases=5, read=misbehave)
    (failure,) = findings.failures.values()
    assert (failure.outcome, failure.count, len(failure.folders)) == (EXCEPTION, 5, 3)
    folder = failure.folders[0]
    assert f"REPLAY='{folder}'" in str(failure)
    assert "no such thing" in (folder / "outcome.txt").read_text()
    assert (folder / "source" / "b").is_fifo()


def test_a_case_is_replayed(
    samples: list[Sample], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = next(sample for sample in samples if sample.format == "BMP")
    folder = tmp_path / "case"
    Case("BMP", sample.name, 0, 0, "inspect").save(folder, sample.tree)
    assert command.main(["--replay", str(folder)]) == 0
    assert "read: " in capsys.readouterr().out
    assert command.main(["--replay", str(folder), "--deadline", "0.001"]) == 1
    assert "hang: " in capsys.readouterr().out


def test_the_command_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = str(tmp_path / "none")
    options = ["--cases", "20", "--seed", "1", "--data", nowhere, "--keep", str(tmp_path)]
    assert command.main(options) == 0
    out = capsys.readouterr().out
    for part in ("BMP", "npz", "refused", "slowest", "seed 1: 20 cases, 0 failures"):
        assert part in out


def test_the_same_seed_draws_the_same_cases(samples: list[Sample]) -> None:
    first = [draw(samples, 7, number) for number in range(60)]
    assert [draw(samples, 7, number) for number in range(60)] == first
    assert [draw(samples, 8, number) for number in range(60)] != first


def test_headers_are_found(samples: list[Sample]) -> None:
    """Each format but raw voxels has fields; to change one changes the file."""
    random = Random(0)
    for sample in samples:
        for path in sample.targets:
            content = sample.tree[path]
            assert isinstance(content, bytes)
            fields = find_fields(path, content)
            if sample.format in _WITH_HEADERS and path != "big.tif":
                assert len(fields) > 5, (sample.name, path)
            for field in fields:
                changed = set_extreme(random, content, field)
                assert changed[: field.start] == content[: field.start]


def test_checksums_are_right(samples: list[Sample]) -> None:
    sample = next(sample for sample in samples if sample.format == "PNG")
    content = sample.tree[sample.targets[0]]
    assert isinstance(content, bytes)
    assert mend_checksums("a.png", content) == content
    assert mend_checksums("a.png", content[:29] + b"\0\0\0\0" + content[33:]) == content


def test_trees_stay_in_their_folder(tmp_path: Path) -> None:
    tree = {"../a": b"x", "b/../../c": b"x", "d": Link("nowhere"), "e/f": b"x", "e": b"", "g/": b""}
    write_tree(tmp_path / "tree", tree)
    assert {path.name for path in tmp_path.rglob("*")} == {"tree", "d", "e", "f", "g"}
