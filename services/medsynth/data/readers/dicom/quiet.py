"""No library warns or logs while DICOM files are read: what they say quotes headers and pixels."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Final

_CHATTY: Final = ("pydicom", "pylibjpeg", "openjpeg", "_openjpeg", "jpeg_ls", "PIL")
"""Loggers that quote what they decode."""

_lock = Lock()
_quiet = 0
_undo = ExitStack()


@contextmanager
def quiet() -> Iterator[None]:
    """As long as the context lasts, in any thread, no library warns or logs."""
    global _quiet
    with _lock:
        if _quiet == 0:
            _hush()
        _quiet += 1
    try:
        yield
    finally:
        with _lock:
            _quiet -= 1
            if _quiet == 0:
                _undo.close()


def _hush() -> None:
    from pydicom import config

    _undo.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")
    for logger in map(logging.getLogger, _CHATTY):
        _undo.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL + 1)
    _undo.callback(
        setattr, config.settings, "reading_validation_mode", config.settings.reading_validation_mode
    )
    config.settings.reading_validation_mode = config.IGNORE
