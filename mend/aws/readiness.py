"""What keeps an account, or a stage in it, from working, each with the command that mends it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from minutemend.adapters.secrets import VendorCredentials
from minutemend.contract import VENDORS

from infra.rules import MARKET
from mend.aws.cloudwatch import subscribers_of
from mend.doctor import Finding, State, finding

if TYPE_CHECKING:
    from mend.stage import Stage

NEW_ACCOUNT = 10  # functions that run at once, before more are asked for


def account(clients: Any, *, region: str) -> Iterator[Finding]:
    """What an account needs before a first deploy. Raises what boto3 raises where the credentials are wrong."""
    who = clients.sts.get_caller_identity()
    yield Finding("account", State.OK, f"{who['Account']} as {who['Arn']}")
    bootstrap = f"npx cdk bootstrap aws://{who['Account']}/{region}"
    yield _asked(
        "CDK bootstrap",
        lambda: f"version {clients.ssm.get_parameter(Name=_BOOTSTRAP)['Parameter']['Value']}",
        lacking=("ParameterNotFound", f"none in {region}", bootstrap),
    )
    yield _asked("Lambda quota", lambda: _quota(clients.functions))


_BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"


def _quota(functions: Any) -> Finding:
    most = functions.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    tight = most <= NEW_ACCOUNT
    return Finding(
        "Lambda quota",
        State.NOTE if tight else State.OK,
        f"{most} functions at once",
        "ask for more in Service Quotas before prod" if tight else "",
    )


def stage(opened: Stage) -> Iterator[Finding]:
    """What a deployed stage needs before it heals anything."""
    yield Finding("stack", State.OK, f"{opened.settings.stack_name}, {opened.where}")
    asked = [one.name for one in opened.settings.vendors if one.url != MARKET]  # the market makes its own token
    wanting = [name for name in asked if VENDORS[name].secret is not None]
    if wanting:
        yield _asked("vendors' tokens", lambda: _tokens(opened, wanting))
    yield _asked("alarms", lambda: _alarms(opened))
    known = opened.lake.calendars.known()
    followed = {one.calendar for one in opened.lake.symbols()}
    refresh = f"mend sessions refresh --stage {opened.option}"
    lacking = sorted(followed - set(known))
    said = f"none for {', '.join(lacking)}" if lacking else f"{len(known)} calendars" if known else "none yet"
    yield finding("sessions", bool(known) and not lacking, said, refresh)
    said = f"{len(opened.lake.symbols()):,} followed" if followed else "none are in force yet: no audit has run"
    yield finding("symbols", bool(followed), said, f"mend symbols show --stage {opened.option}")


def _tokens(opened: Stage, wanting: list[str]) -> Finding:
    held = VendorCredentials(opened.clients.secrets, opened.output("VendorSecret"), clock=_now)
    without = sorted(name for name in wanting if not held.of(name))
    entry = json.dumps({name: VENDORS[name].entry("YOUR TOKEN") for name in without})
    put = f"aws secretsmanager put-secret-value --secret-id {opened.output('VendorSecret')} --secret-string '{entry}'"
    said = f"none for {', '.join(without)}" if without else f"there for {', '.join(sorted(wanting))}"
    return finding("vendors' tokens", not without, said, put)


def _alarms(opened: Stage) -> Finding:
    found = subscribers_of(opened.clients.sns, opened.output("AlarmTopicArn"))
    heard = found.confirmed > 0
    said = f"{found.confirmed} confirmed, {found.pending} not yet"
    state = State.OK if heard else State.LACKING if opened.settings.protected else State.NOTE
    return Finding(
        "alarms", state, said, "" if heard else "alarm_emails in infra/settings.py, deploy, and confirm the message"
    )


def _asked(what: str, ask: Callable[[], str | Finding], *, lacking: tuple[str, str, str] | None = None) -> Finding:
    """The answer; what may not be asked, or is not there, is a finding and ends nothing."""
    try:
        found = ask()
    except ClientError as refused:
        code = refused.response.get("Error", {}).get("Code", "?")
        if lacking is not None and code == lacking[0]:
            return Finding(what, State.LACKING, *lacking[1:])
        return Finding(what, State.NOTE, f"not known: AWS said {code} to {refused.operation_name}")
    return found if isinstance(found, Finding) else Finding(what, State.OK, found)


def _now() -> datetime:
    return datetime.now(UTC)
