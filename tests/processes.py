"""What a process uses, by the system's own count; memory is in MiB."""

from __future__ import annotations

import os
import re
from pathlib import Path


def resident(pid: int) -> float:
    """What it has now; 0 if it is gone."""
    return _mebibytes(pid, "VmRSS")


def peak(pid: int) -> float:
    """The most that it had, since it began or since `restart_peak`; 0 if it is gone."""
    return _mebibytes(pid, "VmHWM")


def reserved(pid: int) -> float:
    """Addresses that it holds, used or not; 0 if it is gone."""
    return _mebibytes(pid, "VmSize")


def restart_peak(pid: int) -> None:
    """Makes the peak begin anew at what it has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def processor_seconds(pid: int) -> float:
    """Processor time that its threads have used; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _mebibytes(pid: int, name: str) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
