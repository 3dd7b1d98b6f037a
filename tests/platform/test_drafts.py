"""Drafts: published or gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsynth.platform.drafts import drafted
from medsynth.storage import Storage


def test_what_was_published_stays(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    with drafted(storage, "reports", "one", "a1") as draft:
        draft.write("report.json", b"{}")
        storage.publish(draft, {})
    assert storage.get("reports", "one").read("report.json") == b"{}"


def test_what_failed_is_removed(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))

    def breaks_off() -> None:
        with drafted(storage, "reports", "one", "a1") as draft:
            draft.write("report.json", b"{}")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        breaks_off()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
