from __future__ import annotations

import re
import subprocess
import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.readers import patterns
from medsynth.data.readers.patterns import PatientPattern, check_pattern
from medsynth.errors import InvalidArgumentError

FIELD = "specification.data.options.patient_pattern"

ENDLESS = ["(?:a|a|aa)+!", "(a|a)*[!?]"]
"""Not cut short by what `regex` looks at before it searches."""


def refused(pattern: object) -> str:
    with pytest.raises(InvalidArgumentError) as caught:
        check_pattern(pattern, FIELD)
    assert caught.value.violations[0].field == FIELD
    return caught.value.message


@pytest.mark.parametrize("pattern", ["(", "[", "*", "a" * 501, "\\p{L}", "(?R)", "(?&a)", 5, None])
def test_what_is_no_pattern(pattern: object) -> None:
    assert "a regular expression of at most 500 characters" in refused(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(?:x){e<=1}", "x{e}", "{", "a{}", "a{,}", "a{ 3}", "\\\\{e}", "[[:alpha:]]", "[_[:^digit:]]"],
)
def test_what_two_engines_read_differently(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert "a brace that repeats nothing" in refused(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["((a{99}){99}){99}", "(?:a{500}b){3}", "(a) {1001}", "(?x)(a) #]\n{1001}", "a{1001}"],
)
def test_repeats_that_would_fill_the_memory(pattern: str) -> None:
    assert "repeated 1000 times at most" in refused(pattern)


@pytest.mark.parametrize(
    ("pattern", "path", "patient"),
    [
        (r"^(p\d+)/", "p01/a_1.png", "p01"),
        (r"p\d+", "x/p02/b.png", "p02"),
        (r"Image_(\d+)[LR]", "Image_07L.jpg", "07"),
        (r"(?:flipped|mirrored)_(\d+)_", "flipped_12_3.jpg", "12"),
        (r"(?<=_)\d+", "a/case_0031.nii", "0031"),
        (r"(?i)PATIENT[ _]?(\d{3,8})", "Patient_0042/x.png", "0042"),
        (r"(?P<who>[^/]+)/(?P=who)_", "ab/ab_1.png", "ab"),
        (r"\{(\w+)\}", "{id7}.png", "id7"),
        (r"(q)?p", "p.png", ""),
        (r"nobody", "p.png", ""),
        ("", "p.png", ""),
    ],
)
def test_patients(pattern: str, path: str, patient: str) -> None:
    check_pattern(pattern, FIELD)
    assert PatientPattern(pattern).find(path) == patient


PIECES = st.sampled_from(
    ["a", "b", "_", "/", ".", r"\d", r"\w", "[ab]", "[^/]", "(a|ab)", "(?:b|_)", "^", "$", r"\b",
     "|", "(?<=a)", "(?!b)", "*", "+?", "{2}", "{1,2}", "{,2}", r"\{", r"\."]
)  # fmt: skip


@given(st.lists(PIECES, max_size=6), st.text("ab_/.12{", max_size=12))
def test_what_is_found_is_what_python_finds(pieces: list[str], path: str) -> None:
    pattern = "".join(pieces)
    try:
        check_pattern(pattern, FIELD)
    except InvalidArgumentError:
        return
    match = re.search(pattern, path)
    groups = re.compile(pattern).groups
    expected = (match[1] if groups else match[0]) if match else ""
    assert PatientPattern(pattern).find(path) == (expected or "")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("pattern", ENDLESS)
def test_searching_ends(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_SECONDS", 0.2)
    endless = PatientPattern(pattern)
    with pytest.raises(InvalidArgumentError, match="without trying for ever") as caught:
        endless.find("a" * 60)
    assert caught.value.violations[0].field == FIELD
    assert "aaaa" not in caught.value.message
    with pytest.raises(InvalidArgumentError, match="without trying for ever"):
        endless.find("a" * 60)


def test_only_searching_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens between two searches may take its time."""
    clock = iter(range(0, 10_000, 100))
    slow = PatientPattern(r"p(\d+)")
    monkeypatch.setattr(patterns, "monotonic", lambda: next(clock) / 1e6)
    assert [slow.find(f"p{k}.png") for k in range(5)] == list("01234")
    assert slow._left > patterns._SECONDS


def test_checking_loads_no_other_engine() -> None:
    program = (
        "import sys; from medsynth.data.readers.interface import ReaderOptions;"
        "ReaderOptions(patient_pattern='p(.)'); assert 'regex' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
