"""`mend local`: local AWS with the dev stage on it, up and down."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
from minutemend.contract import VENDORS

import local.stack
from infra.settings import STAGES
from mend.commands.sessions import put_sessions
from mend.console import say, show_rows, steps
from mend.options import format_option
from mend.problems import Problem

DEFAULT = "local"
name_option = click.option("--name", default=DEFAULT, show_default=True, help="Which one: several run side by side.")


@click.group()
def command() -> None:
    """Local AWS on this machine, with a stage deployed on it: dev, unless another is named.

    \b
    Examples:
      mend local up
      mend local up --name second --vendor binance --vendor-url http://127.0.0.1:8080
      eval "$(mend local status --export)" && aws s3 ls
      mend local deploy
      mend local down
    """


@command.command()
@name_option
@click.option(
    "--stage",
    type=click.Choice(sorted(STAGES)),
    default="dev",
    show_default=True,
    help="Whose template: a protected one wants --vendor-url.",
)
@click.option(
    "--vendor",
    type=click.Choice(sorted(VENDORS)),
    help="Whose API the workers speak, for every calendar. Default: the stage's own vendors, or finnhub at a URL.",
)
@click.option("--vendor-url", metavar="URL", help="A server that speaks it. Default: a market simulator of its own.")
@click.option(
    "--replay",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Parquet files that the simulator is to replay as the market. Default: it makes bars up.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="The port of local AWS. Default: any free one.")
@click.option("--empty", is_flag=True, help="A new account, with nothing deployed: to rehearse docs/deploy.md.")
def up(
    *,
    name: str,
    stage: str,
    vendor: str | None,
    vendor_url: str | None,
    replay: tuple[Path, ...],
    port: int | None,
    empty: bool,
) -> None:
    """Start local AWS and deploy a stage on it; 15 to 20 s.

    Starts MiniStack as an ordinary process on 127.0.0.1 and deploys the templates that ship, with a market simulator
    for the vendor (unless --vendor-url names a server); the sessions of its symbols are there at once, so that a plan
    can come before the first audit. What fails, or is stopped with Ctrl-C, leaves nothing behind.
    """
    from mend.local_stage import resume, store_token
    from mend.stage import open_stage

    if vendor_url is not None and not vendor_url.startswith(("http://", "https://")):
        raise Problem(f"--vendor-url is {vendor_url!r}: an address like http://127.0.0.1:8080 would be right")
    if vendor_url is not None and replay:
        raise Problem("--replay is for the simulator, and --vendor-url is instead of it: one of them would be right")
    if STAGES[stage].protected and vendor_url is None and not empty:
        raise Problem(
            f"{stage} is protected, and the market simulator makes bars up: --vendor-url, with a server of yours, "
            "would be right"
        )
    if replay:
        from market.parquet import read_bars

        read_bars(replay)  # a file that cannot be replayed is refused before anything is started
    before = local.stack.read(name)
    if before and before.aws.alive:
        other = (vendor or before.vendor, vendor_url or before.vendor_url, stage) != (
            before.vendor,
            before.vendor_url,
            before.stage,
        )
        if other or replay or (port and not before.endpoint.endswith(f":{port}")):
            raise Problem(f"{name!r} is up already, with other options", hint=f"mend local down --name {name}")
        say(f"{name!r} is up already")
        click.echo(_how_to_use(before))
        return
    if before and before.home.joinpath("s3").exists():
        say(f"starting {name!r} again with the data that it had; `mend local down` first for a fresh one")
        click.echo(_how_to_use(resume(before)))
        return
    with steps() as step:
        stack = local.stack.up(
            name,
            say=step,
            vendor=vendor,
            vendor_url=vendor_url,
            replay=replay,
            port=port,
            store_token=store_token,
            empty=empty,
            stage=stage,
        )
    if empty:
        click.echo(f'eval "$(mend local status --name {name} --export)"')
        return
    put_sessions(open_stage(_option(name)))
    click.echo(_how_to_use(stack))


@command.command()
@name_option
def deploy(name: str) -> None:
    """Deploy what you have edited on a local stage that runs; its data stays."""
    with steps() as step:
        local.stack.deploy_again(name, say=step)
    say(f"{name!r} runs what the sources are now")


@command.command()
@name_option
@click.option("--keep", is_flag=True, help="Keep its data and logs in .local/NAME; `up` starts it again.")
def down(name: str, keep: bool) -> None:
    """Stop a local stage and remove its data."""
    say(
        f"{name!r} is down" if local.stack.down(name, keep=keep) else f"there is no local stage {name!r}: nothing to do"
    )


@command.command()
@click.option("--name", help="Only this one. Default: all of them.")
@click.option(
    "--export",
    "export",
    is_flag=True,
    help="Print shell lines that point any AWS tool at it; an empty one's $TARGET, too.",
)
@format_option
@click.pass_context
def status(ctx: click.Context, name: str | None, export: bool, style: str) -> None:
    """What runs, and where. Exit code 1 when nothing does."""
    stacks = [stack for stack in local.stack.running() if name in (None, stack.name)]
    if export:
        for stack in stacks[:1]:
            environment = stack.environment if stack.outputs else {**stack.administrator, "TARGET": stack.target}
            click.echo("\n".join(f"export {key}={shlex.quote(value)}" for key, value in environment.items()))
    else:
        rows: list[dict[str, Any]] = [
            {
                "name": stack.name,
                "stage": stack.stage,
                "endpoint": stack.endpoint,
                "pid": str(stack.aws.pid),
                "vendor": stack.vendor,
                "vendor_url": stack.vendor_url,
                "market": "a stack" if stack.market else "external",
            }
            for stack in stacks
        ]
        show_rows(rows, style=style, empty="no local stage runs; `mend local up` starts one")
    ctx.exit(0 if stacks else 1)


def _option(name: str) -> str:
    return "local" if name == DEFAULT else f"local:{name}"


def _how_to_use(stack: Any) -> str:
    option = _option(stack.name)
    exports = "\n".join(f"  export {key}={value}" for key, value in stack.environment.items())
    named = "" if stack.name == DEFAULT else f" --name {stack.name}"
    return f"""local AWS {stack.name!r} is up at {stack.endpoint}; {stack.vendor} is {stack.vendor_url}

To use it with mend:          mend status --stage {option}
To point any AWS tool at it:
{exports}
To stop it:                   mend local down{named}"""
