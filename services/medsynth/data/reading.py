"""One scan read, wherever its files are, with errors that name them as the source does."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from medsynth.data.files import Files
from medsynth.data.readers.interface import Problem, Reader, ReaderOptions, Scan
from medsynth.data.unnamed import unnamed
from medsynth.data.volume import Volume
from medsynth.errors import DataError, MedsynthError


def read_scan(reader: Reader, files: Files, scan: Scan, options: ReaderOptions) -> Volume:
    """Reads a scan, wherever its files are.

    Raises:
        DataError: Names the file as the source does, wherever it was fetched to.
        MedsynthError: It cannot be fetched; named as `Scan.shown` does, if that is given.
    """
    with ExitStack() as stack:
        root = _fetched(stack, files, scan)
        try:
            return reader.read(root, scan, options)
        except DataError as error:
            raise DataError(files.renamed(error.message, root)) from error


def _fetched(stack: ExitStack, files: Files, scan: Scan) -> Path:
    """The folder with a scan's files, as long as the stack; errors call them as it does."""
    try:
        return stack.enter_context(files.local(scan.files))
    except MedsynthError as error:
        if not scan.shown:
            raise
        shown = zip(scan.files, scan.shown, strict=True)
        found = (files.name(name) for path, name in shown if files.name(path) in error.message)
        failed = unnamed(error, next(found, f"{files.uri}: a file of {scan.name}"))
    # Raised here: a traceback would show the other error, with the path.
    raise failed


def problem_of(scan: Scan, message: str, files: Files) -> Problem:
    """What is wrong with a scan, and the file that the message is about."""
    shown = scan.shown or scan.files
    for path, name in zip(scan.files, shown, strict=True):
        message = message.replace(files.name(path), files.name(name))
    for name in shown:
        reason = message.removeprefix(f"{files.name(name)}: ")
        if reason != message:
            return Problem(name, reason)
    return Problem((*shown, scan.name)[0], message)
