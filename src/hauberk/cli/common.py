"""Options and printing that several commands share."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hauberk.cluster.options import DEFAULT_NAME

F = TypeVar("F", bound=Callable[..., Any])


def name_option(function: F) -> F:
    """`--name`: which embedded cluster."""
    return click.option(
        "--name",
        "-n",
        default=DEFAULT_NAME,
        envvar="HAUBERK_NAME",
        show_default=True,
        help="Which embedded cluster.",
    )(function)


def output_option(function: F) -> F:
    """`-o`: text for people, json for programs."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How to print.",
    )(function)


def file_option(function: F) -> F:
    """`-f`: the Integration that the command is about."""
    return click.option(
        "--file",
        "-f",
        "file",
        type=click.Path(dir_okay=False),
        default="hauberk.yaml",
        show_default=True,
        help="The Integration, as `hauberk init` writes it.",
    )(function)


def interrupt_on_signals() -> None:
    """Let the end of the terminal and `kill` stop the command as Ctrl-C does: what it started is removed."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


class Progress:
    """One line a step on stderr: a mark, the step, its time. Data stays on stdout."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.live = sys.stderr.isatty() and not quiet
        self._began = time.monotonic()
        self._what = ""

    def start(self, what: str) -> None:
        """A step begins; on a terminal it is shown at once."""
        self._began, self._what = time.monotonic(), what
        if self.live:
            click.echo(f"  …  {what}\r", err=True, nl=False)

    def done(self, detail: str = "") -> None:
        """The step that began last is done."""
        self._line("✓", detail, "green")

    def failed(self, detail: str = "") -> None:
        """The step that began last did not hold."""
        self._line("✗", detail, "red")

    def _line(self, mark: str, detail: str, colour: str) -> None:
        if self.quiet:
            return
        took = time.monotonic() - self._began
        tail = f"  {detail}" if detail else ""
        clear = "\x1b[2K" if self.live else ""
        click.echo(f"{clear}  {click.style(mark, fg=colour)}  {self._what:<58} {took:6.2f} s{tail}", err=True)

    def say(self, text: str = "") -> None:
        """A line of its own."""
        if not self.quiet:
            click.echo(text, err=True)
