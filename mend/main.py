"""`mend`: the command line. Commands are imported when they run, so that `mend --help` costs next to nothing."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module

import click

# name -> (module with a click command named `command`, one line for `mend --help`). In the order that a
# newcomer meets them.
COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("mend.commands.check", "Find the missing minutes in files of bars; needs no cloud."),
    "demo": ("mend.commands.demo", "Watch the whole system heal a broken day on this machine."),
    "local": ("mend.commands.local", "Start, stop and look at local AWS."),
    "doctor": ("mend.commands.doctor", "What is missing on this machine or in a stage's account, and what mends it."),
    "load": ("mend.commands.load", "Put bars from files into a stage's lake."),
    "status": ("mend.commands.status", "How a stage is: its newest audits, queues and lake."),
    "plan": ("mend.commands.plan", "What a repair would ask of whom, and what it would cost; starts nothing."),
    "repair": ("mend.commands.repair", "Audit a range and repair what is missing."),
    "backfill": ("mend.commands.backfill", "Audit and repair years of any number of symbols, window by window."),
    "verdicts": ("mend.commands.verdicts", "What is known of every expected minute, with the evidence."),
    "verify": ("mend.commands.verify", "Ask for stored minutes again, and compare; changes nothing."),
    "revisions": ("mend.commands.revisions", "Bars of one minute that disagree: list, accept or reject them."),
    "bars": ("mend.commands.bars", "Export bars from a stage's lake."),
    "hourly": ("mend.commands.hourly", "The hourly facts of a range."),
    "report": ("mend.commands.report", "One HTML file that shows the coverage of a range."),
    "dashboard": ("mend.commands.dashboard", "Check the deployed dashboard and alarms."),
    "dlq": ("mend.commands.dlq", "List, redrive and discard dead letters."),
    "symbols": ("mend.commands.symbols", "Show or set the interested symbols."),
    "closures": ("mend.commands.closures", "Record closures, special hours, halts and listings that no vendor shows."),
    "sessions": ("mend.commands.sessions", "Refresh the sessions table from the exchange calendars."),
    "invoke": ("mend.commands.invoke", "Run a handler in this process, with a stage's environment."),
    "cost": ("mend.commands.cost", "What a stage costs a month, by service."),
}

EPILOG = """\b
Exit codes: 0 it is well; 1 the data says no (holes, a failed audit, a failed check);
2 unusable input or environment, with one message that says what would be right;
70 a fault of ours, to be reported; 130 interrupted.

\b
Completion: eval "$(_MEND_COMPLETE=bash_source mend)"      (or zsh_source, fish_source)
"""


class LazyGroup(click.Group):
    """A group that knows the names and first lines of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = import_module(module).command
        command.name = cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            meant = f"did you mean `mend {near[0]}`?" if near else "`mend --help` lists the commands"
            raise click.UsageError(f"there is no command {args[0]!r}: {meant}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"max_content_width": 100},
)
@click.version_option(package_name="minutemend", prog_name="mend")
def mend() -> None:
    """Every minute accounted for: present, repaired, proven absent, or reported failed."""


def main() -> None:
    """The console script: one message and an exit code for whatever happens, never a traceback."""
    stopped: list[int] = []
    if not sys.stderr:  # closed, as by `2>&-`
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (until the end)
    if not sys.stdout:
        _say("standard output is closed: a terminal, a file or a pipe would be right")
        sys.exit(2)

    def stop(number: int, _frame: object) -> None:
        stopped.append(number)
        raise KeyboardInterrupt  # what was started is stopped then, too

    if sys.argv[1:2] != ["check"]:  # which starts nothing, and ends at once (`mend.start`)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
    try:
        outcome = mend.main(standalone_mode=False, prog_name="mend")
        sys.stdout.flush()
        sys.exit(outcome if isinstance(outcome, int) else 0)
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(130)
    except BrokenPipeError:  # `mend … | head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)  # as click and rich end then; 0 would be a verdict
    except click.exceptions.Abort:
        _say("interrupted")
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as nothing:
        nothing.show()
        sys.exit(2)
    except Exception as problem:  # noqa: BLE001 (the last place where one can be told)
        from mend.problems import explain

        if stopped:  # DuckDB hands on an interruption as an error of its own
            _say("interrupted")
            sys.exit(130)
        message = explain(problem)
        if message is None:
            import traceback

            traceback.print_exc()
            _say(
                f"this is a fault of minutemend, not of what you asked ({type(problem).__name__}): "
                "please report it with the lines above"
            )
            sys.exit(70)
        _say(message)
        sys.exit(2)


def _say(message: str) -> None:
    with suppress(OSError):  # where standard error cannot be written either
        click.echo(f"mend: {message}", err=True)
