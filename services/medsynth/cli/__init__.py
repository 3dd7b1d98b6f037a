"""The `medsynth` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command of this process's arguments and exits with its code."""
    try:
        from medsynth.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        # Before or after the command's own handling of Ctrl-C.
        code = 130
    sys.exit(code)
