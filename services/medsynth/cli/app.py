"""All commands together, and how each of them ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

import typer

from medsynth.cli import data, exits, generators, jobs
from medsynth.cli.delete import delete
from medsynth.cli.demo import demo
from medsynth.cli.draw import draw
from medsynth.cli.evaluate import evaluate, report
from medsynth.cli.flag_names import flags_of, with_flags
from medsynth.cli.presets import presets
from medsynth.cli.sample import sample
from medsynth.cli.stack import down, status, up
from medsynth.cli.train import train
from medsynth.errors import DataError, InvalidArgumentError, MedsynthError, show

app = typer.Typer(
    name="medsynth",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=exits.HELP,
    help="Train GANs on medical images with their masks, draw from them, and score them honestly.",
)
_STACK, _WORK, _THINGS = "This machine", "Work", "What there is"
app.command(rich_help_panel=_WORK)(demo)
app.command(rich_help_panel=_WORK)(train)
app.command(rich_help_panel=_WORK)(sample)
app.command(rich_help_panel=_WORK)(draw)
app.command(rich_help_panel=_WORK)(evaluate)
app.command(rich_help_panel=_WORK)(report)
app.command(rich_help_panel=_STACK)(up)
app.command(rich_help_panel=_STACK)(down)
app.command(rich_help_panel=_STACK)(status)
app.command(rich_help_panel=_THINGS)(presets)
app.add_typer(data.app, name="data", rich_help_panel=_THINGS)
app.add_typer(generators.app, name="generators", rich_help_panel=_THINGS)
app.add_typer(jobs.app, name="jobs", rich_help_panel=_THINGS)
app.command(rich_help_panel=_THINGS)(delete)


def run(arguments: Sequence[str]) -> int:
    """Runs one command.

    Args:
        arguments: The words after `medsynth`.

    Returns:
        The exit code. What went wrong was printed: as a JSON document on stdout if `--json` is
        among the arguments, else as text on stderr.
    """
    as_json = "--json" in arguments
    command = typer.main.get_command(app)
    try:
        code = command.main(list(arguments), prog_name="medsynth", standalone_mode=False)
        sys.stdout.flush()
    except MedsynthError as error:
        _report(as_json, error, flags=flags_of(command, arguments))
        return exits.exit_code(error)
    except exits.JobNotSucceededError as error:
        _report(as_json, error.error, error.job, flags_of(command, arguments))
        return error.exit_code
    except exits.InterruptedWaitError as error:
        _report_interrupted(as_json, error.jobs)
        return exits.INTERRUPTED
    except typer.TyperException as error:
        _report_usage(as_json, error)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output has enough of it (`| head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.INTERNAL
    except OSError as error:
        if error.filename is None:
            raise
        _report(as_json, DataError(f"{error.filename}: {error.strerror}"))
        return exits.USER_ERROR
    except UnicodeEncodeError as error:
        text = f"{show(error.object)} is not in UTF-8: such names can neither be sent nor shown"
        _report(as_json, InvalidArgumentError(text, reason="USAGE"))
        return exits.USER_ERROR
    except ValueError as error:
        _report(as_json, _wrong_setting(error))
        return exits.USER_ERROR
    if code == exits.INTERRUPTED:
        _report_interrupted(as_json, ())
    return code if isinstance(code, int) else exits.OK


def _wrong_setting(error: ValueError) -> InvalidArgumentError:
    """The settings could not be read; every other `ValueError` is raised again."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    if isinstance(error, SettingsError):
        return InvalidArgumentError(str(error), reason="WRONG_SETTING")
    if not isinstance(error, ValidationError):
        raise error
    texts = [
        f"MEDSYNTH_{'_'.join(map(str, wrong['loc'])).upper()} is {wrong['input']!r}: {wrong['msg']}"
        for wrong in error.errors()
    ]
    return InvalidArgumentError("; ".join(texts), reason="WRONG_SETTING")


def _report(
    as_json: bool, error: MedsynthError, job: str = "", flags: Mapping[str, str] | None = None
) -> None:
    from medsynth.cli.output import emit, remark

    if as_json:
        emit({"error": error.to_dict()} | ({"job": job} if job else {}))
        return
    error = with_flags(error, flags or {})
    names_itself = error.message.startswith(job)
    remark(error.message if job and names_itself else f"{job or 'Error'}: {error.message}")
    for violation in error.violations:
        if violation.description not in error.message:
            remark(f"  {violation.field}: {violation.description}")


def _report_interrupted(as_json: bool, going_on: Sequence[str]) -> None:
    from medsynth.cli.output import emit, remark

    if as_json:
        error = MedsynthError("interrupted; what runs goes on", reason="INTERRUPTED").to_dict()
        emit({"error": error | {"code": "CANCELLED"}, "jobs": list(going_on)})
        return
    if not going_on:
        remark("interrupted")
    for job in going_on:
        remark(f"{job} goes on")
        remark(f"  follow it:  medsynth jobs watch {job}")
        remark(f"  cancel it:  medsynth jobs cancel {job}")


def _report_usage(as_json: bool, error: typer.TyperException) -> None:
    from medsynth.cli.output import emit, remark

    message = error.format_message()
    if as_json:
        emit({"error": InvalidArgumentError(message, reason="USAGE").to_dict()})
        return
    remark(f"Error: {message}")
    context = getattr(error, "ctx", None)
    if context is not None:
        remark(f"`{context.command_path} --help` explains it")
