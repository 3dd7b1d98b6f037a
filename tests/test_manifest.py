from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from medsynth.manifest import FileEntry, Files, digest_of, json_with_files

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_digest_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    assert digest_of(value) == digest_of(dict(reversed(value.items())))


entries = st.builds(
    FileEntry,
    st.text(),
    st.integers(0, 2**63),
    st.binary(min_size=32, max_size=32).map(lambda digest: f"sha256:{digest.hex()}"),
)


@given(
    st.dictionaries(st.text(), json_values, max_size=5),
    st.lists(entries, max_size=4),
    st.integers(1, 4),
)
def test_json_in_pieces_is_the_json_of_the_whole(
    fields: dict[str, object], files: list[FileEntry], indent: int
) -> None:
    fields["nested"] = {"files": []}
    listed = [file.to_dict() for file in files]
    whole = json.dumps({**fields, "files": listed}, indent=indent, sort_keys=True)
    assert "".join(json_with_files(fields, files, indent)) == whole


@given(st.lists(entries))
def test_files_are_those_added_last_by_path(given_entries: list[FileEntry]) -> None:
    files = Files(given_entries)
    last = {entry.path: entry for entry in given_entries}
    assert list(files) == [last[path] for path in sorted(last)]
    assert len(files) == len(last)
    for entry in given_entries:
        assert files.get(entry.path) == last[entry.path]
        assert (entry in files) == (entry == last[entry.path])
    assert files == Files(last.values())
    assert files.get("nowhere, of all paths") is None
