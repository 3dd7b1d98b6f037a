"""The hardware that computed an image, as far as it is known from here."""

from __future__ import annotations

import ipaddress
import os
import platform
from pathlib import Path

_PROCESSORS = Path("/proc/cpuinfo")


def hardware(triton_url: str) -> str:
    """What runs the models of a Triton server.

    Triton does not say. So this names the processor and the number of its cores for a Triton on
    this machine, and for one elsewhere its address.

    Args:
        triton_url: `host:port`.
    """
    if not _is_local(triton_url.rpartition(":")[0]):
        return f"of the Triton at {triton_url}"
    return f"{_processor()}, {os.cpu_count()} cores"


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _processor() -> str:
    if _PROCESSORS.is_file():
        for line in _PROCESSORS.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
