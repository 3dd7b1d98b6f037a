from __future__ import annotations

import shutil
from pathlib import Path

from medsynth.platform.jobs.scratch import ScratchFolders


def test_an_attempt_gets_an_empty_folder_that_goes_with_it(tmp_path: Path) -> None:
    folders = ScratchFolders(tmp_path)
    with folders.attempt() as folder:
        assert list(folder.iterdir()) == []
        (folder / "file").touch()
    assert not folder.exists()
    folders.close()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_worker_left_is_removed_and_what_a_living_one_uses_is_not(
    tmp_path: Path,
) -> None:
    left = tmp_path / "worker-killed" / "attempt-1"
    left.mkdir(parents=True)
    (left.parent / "lock").touch()
    living = ScratchFolders(tmp_path)
    assert not left.parent.exists()
    with living.attempt() as folder:
        ScratchFolders(tmp_path).close()
        assert folder.exists()
    living.close()


def test_a_folder_that_somebody_tidied_away_comes_back(tmp_path: Path) -> None:
    folders = ScratchFolders(tmp_path)
    for left in tmp_path.iterdir():
        shutil.rmtree(left)
    with folders.attempt() as folder:
        assert folder.is_dir()
    folders.close()
    assert list(tmp_path.iterdir()) == []
