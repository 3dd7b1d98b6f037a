"""A report's scores as one table, and its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from medsynth.cli.output import emit, number, say, table, to_json

if TYPE_CHECKING:
    from medsynth.client import Client
    from medsynth.v1.evaluator_pb2 import Report, Score


def print_report(client: Client, name: str, out: Path | None, as_json: bool, job: str = "") -> None:
    """Prints a report's scores as a table or as JSON, and saves it where that is asked for.

    Args:
        client: Where the report is.
        name: `reports/{id}`.
        out: Folder for report.html and report.json, or None.
        as_json: Whether scripts read the output.
        job: The job that made it, if it is known.
    """
    report = client.report(name)
    page = None if out is None else save_report(client, report, out)
    if as_json:
        files = {} if page is None else {"html": str(page), "json": str(page.with_suffix(".json"))}
        emit({"job": job, "report": to_json(report), "files": files})
        return
    print_scores(report)
    say(str(page) if page else f"save it with pictures:  medsynth report {name} --out DIR")


def print_scores(report: Report) -> None:
    """Prints every score with its interval, and below what is missing and what to do about it."""
    table(
        ("metric", "comparison", "class", "value", "95 % interval"),
        [
            (score.metric, score.comparison, score.label, _value(score), _interval(score))
            for score in report.scores
        ],
        numbers=("value", "95 % interval"),
    )
    for missing in dict.fromkeys(score.missing for score in report.scores if score.missing):
        say(f"missing: {missing}")


def save_report(client: Client, report: Report, folder: Path) -> Path:
    """Writes `report.html` and `report.json` into a folder and returns the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    document = json.dumps(to_json(report), indent=2, ensure_ascii=False) + "\n"
    page = client.report_html(report.name)
    write_whole(folder / "report.json", document.encode())
    write_whole(folder / "report.html", page)
    return folder / "report.html"


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees the old content or the new, nothing between."""
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _value(score: Score) -> str:
    return number(score.value) if score.HasField("value") else "missing"


def _interval(score: Score) -> str:
    if not (score.HasField("low") and score.HasField("high")):
        return ""
    return f"{number(score.low)} to {number(score.high)}"
