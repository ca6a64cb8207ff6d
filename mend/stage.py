"""Which stage a command talks to, where it is, and what it is made of.

`--stage dev` and `--stage prod` are in AWS, or wherever AWS_ENDPOINT_URL points; `--stage local[:NAME]` is a stage's
template on local AWS, dev's unless it was started as another. A laptop without any AWS credentials can mean by `dev`
only the local stage that runs on it, and gets that one. docs/decisions/stage.md says why.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from infra.rules import UnknownStage, UnsafeSettings
from infra.settings import STAGES, StageSettings, stage_settings
from mend.problems import Problem

if TYPE_CHECKING:
    from minutemend.adapters.dynamo_board import DynamoBoard
    from minutemend.contract import VendorSettings
    from minutemend.services.interest import Interest
    from minutemend.services.lake import Lake
    from minutemend.wiring.clients import Clients

LOCAL = "local"


@dataclass(frozen=True)
class Stage:
    """A deployed stage: its settings, the outputs of its stack, and clients that lead to it."""

    name: str  # dev or prod
    option: str  # what --stage was given: for messages that say what to run next
    settings: StageSettings
    where: str  # for people: the account and region, or the endpoint
    outputs: dict[str, str]
    clients: Clients

    def output(self, key: str) -> str:
        """An output of the stack. Raises Problem when the deployed stack is older than this command."""
        if key not in self.outputs:
            raise Problem(
                f"{self.settings.stack_name} has no output {key}: it was deployed from another version",
                hint=self.settings.deploy_command,
            )
        return self.outputs[key]

    @cached_property
    def lake(self) -> Lake:
        """The lake of the stage."""
        from minutemend.adapters.s3_store import S3Store
        from minutemend.services.lake import Lake

        return Lake(S3Store(self.clients.s3, self.output("DataBucket")), readers=8)

    @cached_property
    def vendors(self) -> tuple[VendorSettings, ...]:
        """Whom the deployed functions ask, and how often: the settings here may have moved on since."""
        from minutemend.contract import Env
        from minutemend.wiring.environment import vendor_settings

        from mend.aws.stacks import function_environment

        deployed = function_environment(self.clients.functions, self.output("QueueRepairsFunction"))
        return vendor_settings(deployed[Env.VENDORS])

    @cached_property
    def board(self) -> DynamoBoard:
        """The board of the stage."""
        from minutemend.adapters.dynamo_board import DynamoBoard

        return DynamoBoard(self.clients.dynamodb, self.output("BoardTable"), clock=lambda: datetime.now(UTC))

    def pauses(self, *, now: datetime) -> dict[str, datetime]:
        """The vendors that want to be let alone now, each with until when."""
        found = {one.name: self.board.paused(one.name) for one in self.vendors}
        return {name: until for name, until in found.items() if until is not None and until > now}

    def interest(self, *, write: bool = False) -> Interest:
        """What the stage follows; with `write` it is put in force for the audit's query, too. Raises BadInput."""
        from minutemend.adapters.parameters import read_parameter
        from minutemend.services.interest import get_interested_stocks

        name = self.output("SymbolsParameter")
        return get_interested_stocks(self.lake, lambda: read_parameter(ssm=self.clients.ssm, name=name), write=write)


def open_stage(option: str) -> Stage:
    """The stage that `--stage` names. Raises Problem with what to do, for whatever keeps it from being reached."""
    from minutemend.wiring.clients import Clients

    if option == LOCAL or option.startswith(f"{LOCAL}:"):
        return _local_stage(option, option.partition(":")[2] or LOCAL)
    try:
        settings = stage_settings(option)
    except UnsafeSettings as error:  # a developer's name that cannot be one
        raise Problem(str(error)) from None
    except UnknownStage:
        known = ", ".join(sorted(STAGES))
        raise Problem(f"{option!r} is not a stage: one of {known}, local or local:NAME would be right") from None
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    clients = Clients(region=None if endpoint else settings.region)
    if endpoint is None and not clients.has_credentials:
        return _without_credentials(option)
    where = endpoint or f"account {_account(settings, clients)}, {settings.region}"
    return Stage(settings.name, option, settings, where, _outputs(settings, clients, where), clients)


def _local_stage(option: str, name: str) -> Stage:
    from local.stack import read
    from mend.local_stage import clients_of

    stack = read(name)
    named = "" if name == LOCAL else f" --name {name}"
    if stack is None or not stack.aws.alive:
        raise Problem(f"there is no local stage {name!r} running", hint=f"mend local up{named}")
    # A handler that `mend invoke` runs makes its own clients, as the environment says.
    os.environ.pop("AWS_PROFILE", None)
    os.environ.pop("AWS_SESSION_TOKEN", None)
    os.environ.update(stack.environment)
    settings = stage_settings(stack.stage)
    return Stage(
        settings.name, option, settings, f"local AWS at {stack.endpoint}", dict(stack.outputs), clients_of(stack)
    )


def _without_credentials(option: str) -> Stage:
    from local.stack import running
    from mend.console import say

    stacks = [stack for stack in running() if stack.stage == option]
    if len(stacks) == 1:
        name = stacks[0].name
        option = LOCAL if name == LOCAL else f"{LOCAL}:{name}"
        say(f"no AWS credentials here: {stacks[0].stage} is the local stage {name!r} at {stacks[0].endpoint}")
        return _local_stage(option, name)
    names = ", ".join(f"--stage local:{stack.name}" for stack in stacks)
    raise Problem(
        f"there are no AWS credentials here, and so no way to {option}",
        hint=names or "aws configure sso, or set AWS_PROFILE; `mend local up` needs no account",
    )


def _account(settings: StageSettings, clients: Clients) -> str:
    """The account that the credentials belong to. Raises Problem where it is not the stage's."""
    account = str(clients.sts.get_caller_identity()["Account"])
    if settings.account is not None and account != settings.account:
        raise Problem(
            f"{settings.name} is in account {settings.account}, and these credentials belong to {account}",
            hint="set AWS_PROFILE to a profile of that account",
        )
    return account


def _outputs(settings: StageSettings, clients: Clients, where: str) -> dict[str, str]:
    from local.stack import running
    from mend.aws.stacks import NotDeployed, stack_outputs

    try:
        return stack_outputs(clients.cloudformation, settings.stack_name)
    except NotDeployed as problem:
        local_too = ", or --stage local for the one on this machine" if running() else ""
        raise Problem(
            f"{problem} ({where})",
            hint=f"{settings.deploy_command}{local_too}",
        ) from None
