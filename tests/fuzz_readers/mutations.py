"""Changes of a file's bytes: flips, cuts, insertions, repeats, and headers at their limits."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Final

from tests.fuzz_readers.header_fields import find_fields, mend_checksums, set_extreme

_INSIDE: Final = 0.8
"""Share of the packed files whose content is changed rather than their own bytes."""

_IN_HEADER: Final = 0.5
_MENDED: Final = 0.9
_BOMB: Final = 0.01
_BLANKS: Final = 2**26


def mutate(random: Random, name: str, content: bytes) -> bytes:
    """A file with one to a few changes.

    Args:
        random: Decides.
        name: Of the file; its ending says what its header is.
        content: Its bytes.
    """
    if content[:2] == b"\x1f\x8b" and random.random() < _INSIDE:
        return _in_gzip(random, name, content)
    if content[:4] == b"PK\3\4" and random.random() < _INSIDE:
        return _in_zip(random, content)
    if random.random() < _IN_HEADER and (fields := find_fields(name, content)):
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            field = random.choice(fields)
            content = set_extreme(random, content, field)
        return mend_checksums(name, content) if random.random() < _MENDED else content
    for _ in range(random.choice((1, 1, 1, 2, 3, 5, 10, 30))):
        content = random.choice(_CHANGES)(random, content)
    return mend_checksums(name, content) if random.random() < 0.5 else content


def _in_gzip(random: Random, name: str, content: bytes) -> bytes:
    try:
        inside = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return content
    inner = name.lower().removesuffix(".gz")
    inner = inner.removesuffix(".tgz") + ".tar" if inner.endswith(".tgz") else inner
    changed = mutate(random, inner, inside)
    if random.random() < _BOMB:
        changed += bytes(_BLANKS)
    return gzip.compress(changed, 1, mtime=0)


def _in_zip(random: Random, content: bytes) -> bytes:
    """An archive with one of its files changed."""
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
            chosen = random.randrange(len(old.infolist()))
            for place, info in enumerate(old.infolist()):
                inside = old.read(info)
                changed = mutate(random, info.filename, inside) if place == chosen else inside
                new.writestr(info, changed)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):
        return content
    return out.getvalue()


def _place(random: Random, content: bytes) -> int:
    """Anywhere, but mostly where headers are."""
    length = max(len(content), 1)
    if random.random() < 0.1:
        return length - 1 - random.randrange(min(length, 64))
    return random.randrange(min(length, random.choice((64, 512, 4096, length, length))))


def _flip(random: Random, content: bytes) -> bytes:
    start = _place(random, content)
    return content[:start] + bytes([random.randrange(256)]) + content[start + 1 :]


def _set_limit(random: Random, content: bytes) -> bytes:
    start = _place(random, content)
    size = random.choice((1, 2, 4, 8))
    limit = random.choice((b"\xff", b"\0", b"\x7f", b"\x80", b"0", b"9", b" "))
    return content[:start] + limit * size + content[start + size :]


def _cut_off(random: Random, content: bytes) -> bytes:
    return content[: _place(random, content)]


def _cut_out(random: Random, content: bytes) -> bytes:
    start = _place(random, content)
    return content[:start] + content[start + random.choice((1, 2, 4, 19, 500)) :]


def _insert(random: Random, content: bytes) -> bytes:
    start = _place(random, content)
    return content[:start] + random.randbytes(random.choice((1, 2, 4, 19, 500))) + content[start:]


def _repeat(random: Random, content: bytes) -> bytes:
    start = _place(random, content)
    part = content[start : start + random.choice((1, 8, 40, 2000))]
    return content[:start] + part * random.choice((1, 2, 50)) + content[start:]


def _exchange(random: Random, content: bytes) -> bytes:
    """Two stretches in each other's place."""
    size = random.choice((1, 8, 64))
    one, two = sorted((_place(random, content), _place(random, content)))
    if one + size > two:
        return content
    first, second = content[one : one + size], content[two : two + size]
    return content[:one] + second + content[one + size : two] + first + content[two + size :]


_CHANGES: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    *(_flip, _flip, _flip, _set_limit, _set_limit),
    *(_cut_off, _cut_out, _insert, _repeat, _exchange),
)
