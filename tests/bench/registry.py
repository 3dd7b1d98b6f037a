"""Every bench, in the order in which all of them run: memory while the stack is fresh."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.bench import (
    crowd,
    environment,
    frechet,
    listing,
    memory,
    preparing,
    preparing_memory,
    sampling,
    starts,
    training,
    writing,
)
from tests.bench.measure import Bench

BENCHES: Final[Mapping[str, Bench]] = MappingProxyType(
    {
        module.BENCH.name: module.BENCH
        for module in (
            memory,
            starts,
            sampling,
            crowd,
            training,
            environment,
            frechet,
            listing,
            preparing,
            preparing_memory,
            writing,
        )
    }
)
