"""Changes of the names in a source, and of the shape of its folders."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from tests.fuzz_readers.cases import Link, Pipe, Tree

_ODD: Final = (
    *(" ", "  ", "\n", "\t", "\r", "\x7f", "\x1b[31m", "'", '"', "\\", "*", "?", "[x]", "{}", "%s"),
    *("é", "e\N{COMBINING ACUTE ACCENT}", "ß", "İ", "心", "\N{ANATOMICAL HEART}", "٣", "²"),
    *("\N{RIGHT-TO-LEFT OVERRIDE}", "\N{ZERO WIDTH SPACE}", "\N{NO-BREAK SPACE}", "<b>", "&amp;"),
    *("-", "--", "~", ".", "..", "$(x)", ":", "x" * 200, "9" * 30, "_mask", "_gt", "_0000", "-seg"),
)
_NOT_TEXT: Final = "\udcff"
"""As Python shows a byte that is not in UTF-8."""

_ENDINGS: Final = (
    *(".png", ".jpg", ".tif", ".bmp", ".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".nhdr"),
    *(".dcm", ".raw", ".txt", ".PNG", ".Nii.Gz", ".gz", "", ".npz", ".zip"),
)
_FOLDERS: Final = (
    *("images", "masks", "labels", "A", "B", "train", "test", "training", "testing", "imagesTr"),
    *("labelsTr", "a. Training Set", "patient001", "class", "line\nfeed", ".hidden", "__MACOSX"),
)


def rename(random: Random, tree: Tree) -> Tree:
    """The source with odd words in the names of files or folders."""
    words = (*_ODD, _NOT_TEXT) if random.random() < 0.2 else _ODD
    for _ in range(random.choice((1, 1, 2, 4))):
        path = random.choice(list(tree))
        parts = path.split("/")
        part = random.choice(parts)
        if random.random() < 0.2:
            stem, _, _ = part.partition(".")
            new = stem + random.choice(_ENDINGS)
        else:
            place = random.randrange(len(part.partition(".")[0]) + 1)
            new = part[:place] + random.choice(words) + part[place:]
        if random.random() < 0.5:
            # Of an image and of its mask alike.
            tree = {
                "/".join(new if p == part else p for p in path.split("/")): content
                for path, content in tree.items()
            }
        else:
            tree = {
                ("/".join(new if p == part else p for p in parts) if other == path else other): what
                for other, what in tree.items()
            }
    return tree


def reshape(random: Random, tree: Tree, strangers: Sequence[Tree]) -> Tree:
    """The source with files lost, moved, doubled, linked, or of another set among them.

    Args:
        random: Decides.
        tree: The source, which is left as it is.
        strangers: Other sources.
    """
    tree = dict(tree)
    for _ in range(random.choice((1, 1, 2, 3))):
        path = random.choice(list(tree))
        random.choice(_CHANGES)(random, tree, path)
        if random.random() < 0.1:
            stranger = random.choice(strangers)
            tree |= {name: stranger[name] for name in random.sample(list(stranger), 1)}
        if not tree:
            return {"empty/": b""}
    return tree


def _drop(random: Random, tree: Tree, path: str) -> None:
    del tree[path]


def _empty(random: Random, tree: Tree, path: str) -> None:
    tree[path] = b""


def _exchange(random: Random, tree: Tree, path: str) -> None:
    other = random.choice(list(tree))
    tree[path], tree[other] = tree[other], tree[path]


def _double(random: Random, tree: Tree, path: str) -> None:
    tree[posixpath.join(random.choice(_FOLDERS), path)] = tree[path]


def _move_down(random: Random, tree: Tree, path: str) -> None:
    folder, name = posixpath.split(path)
    depth = random.choice((1, 1, 2, 30))
    tree[posixpath.join(folder, *(random.choice(_FOLDERS) for _ in range(depth)), name)] = tree.pop(
        path
    )


def _move_up(random: Random, tree: Tree, path: str) -> None:
    tree[posixpath.basename(path) or "moved"] = tree.pop(path)


def _into_folder(random: Random, tree: Tree, path: str) -> None:
    """A folder with the name of a file."""
    tree[f"{path}/{random.choice(_FOLDERS)}"] = tree.pop(path)


def _link(random: Random, tree: Tree, path: str) -> None:
    targets = ("nowhere", ".", "..", "/", "/etc/passwd", "/dev/zero", "/proc/self/mem")
    tree[path] = Link(random.choice((*targets, posixpath.basename(path), *tree)))


def _pipe(random: Random, tree: Tree, path: str) -> None:
    tree[path] = Pipe()


def _many(random: Random, tree: Tree, path: str) -> None:
    stem, ending = posixpath.splitext(path)
    for number in range(random.choice((3, 300))):
        tree[f"{stem}{number}{ending}"] = b""


_CHANGES: Final[tuple[Callable[[Random, Tree, str], None], ...]] = (
    *(_drop, _empty, _exchange, _double, _move_down, _move_up, _into_folder, _link, _pipe, _many),
)
