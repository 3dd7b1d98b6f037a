from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.bench import __main__ as command
from tests.bench.measure import (
    Bar,
    Bench,
    Context,
    Effort,
    Row,
    compared,
    interleaved,
    median_ratio,
    quantile,
)
from tests.bench.registry import BENCHES
from tests.bench.site import Site, started


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with started(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """A tuned loop sets the number of threads, in this process if it is measured here."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_runs_and_says_what_it_measured(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    said: list[str] = []
    context = Context(Effort.TINY, tmp_path, said.append, lambda: request.getfixturevalue("site"))
    rows = BENCHES[name].run(context)
    assert rows
    assert said
    for row in rows:
        assert row.ours > 0
        assert (row.other is None) == (not row.against) == (row.ratio is None)
        assert row.ratio is None or row.ratio > 0
        assert (row.reached is None) == (row.bar is None)


def test_measurements_take_turns_after_a_warm_up() -> None:
    calls: list[str] = []

    def measure(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    numbers = interleaved({"a": lambda: measure("a"), "b": lambda: measure("b")}, 3)
    assert calls == ["a", "b"] * 4
    assert numbers == {"a": [3.0, 5.0, 7.0], "b": [4.0, 6.0, 8.0]}


def test_a_ratio_is_that_of_neighbours() -> None:
    assert median_ratio([1.0, 20.0, 9.0], [2.0, 10.0, 9.0]) == 1.0


def test_less_time_is_a_ratio_above_one() -> None:
    numbers = {"ours": [1.0, 2.0, 1.0], "other": [4.0, 8.0, 3.0]}
    row = compared("speed", "s", numbers, "ours", "other", Bar("at least", 4), turned=True)
    assert (row.ours, row.other, row.ratio, row.reached) == (1.0, 4.0, 4.0, True)


def test_quantiles() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert quantile(values, 0.5) == 51.0
    assert quantile(values, 0.99) == 100.0


@pytest.mark.parametrize(
    ("bar", "reached"),
    [
        (Bar("at least", 2.0), True),
        (Bar("at least", 2.1), False),
        (Bar("at most", 2.0), True),
        (Bar("at most", 1.9), False),
        (Bar("at most", 10.0, of="ours"), True),
        (Bar("at most", 9.0, of="ours"), False),
    ],
)
def test_what_a_bar_asks(bar: Bar, reached: bool) -> None:
    assert Row("x", 10.0, "s", "y", 5.0, 2.0, bar).reached is reached


@pytest.fixture
def fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One bench whose numbers are known."""
    rows = [
        Row("fast", 2.0, "images/s", "slow loop", 1.0, 2.0, Bar("at least", 3.0)),
        Row("soon", 12.5, "ms", bar=Bar("at most", 300.0, of="ours")),
    ]
    bench = Bench("fixed", "a bench", lambda context: rows)
    monkeypatch.setattr(command, "BENCHES", {"fixed": bench})


@pytest.mark.usefixtures("fixed")
def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--json", "--quick"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["effort"] == "quick"
    assert [(row["bench"], row["reached"]) for row in document["rows"]] == [
        ("fixed", False),
        ("fixed", True),
    ]
    assert document["rows"][0]["bar"] == {"side": "at least", "value": 3.0, "of": "ratio"}


@pytest.mark.usefixtures("fixed")
def test_the_table_holds_every_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "fixed"]) == 0
    out = capsys.readouterr().out
    for cell in ("2 images/s", "slow loop", "at least 3", "NO", "12.5 ms", "at most 300 ms", "yes"):
        assert cell in out


def test_help_names_every_bench(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        command.main(["--help"])
    assert raised.value.code == 0
    out = capsys.readouterr().out
    for bench in BENCHES.values():
        assert f"{bench.name} " in out
        assert bench.summary in out


def test_a_bench_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        command.main(["--only", "nothing"])
    assert raised.value.code == 2
    assert "nothing" in capsys.readouterr().err


@pytest.mark.usefixtures("fixed")
def test_a_bench_that_fails_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(context: Context) -> list[Row]:
        raise RuntimeError("no such thing")

    benches = {"broken": Bench("broken", "fails", fails), **command.BENCHES}
    monkeypatch.setattr(command, "BENCHES", benches)
    assert command.main([]) == 1
    printed = capsys.readouterr()
    assert "slow loop" in printed.out
    assert "no such thing" in printed.err
