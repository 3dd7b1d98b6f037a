"""Files that are too long for one message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

PIECE_BYTES: Final = 512 * 2**10


def pieces(content: bytes) -> Iterator[bytes]:
    """The content in order, in pieces that fit into a message."""
    for start in range(0, len(content), PIECE_BYTES):
        yield content[start : start + PIECE_BYTES]
