"""MiniStack with its permissions enforced, corrected, and every call written down: `python -m local.aws FOLDER`.

FOLDER is the local stage's. `principals.json` in it names who exists from the start; calls.jsonl and queries.jsonl
are written there. MiniStack's own settings are in the environment (local/ministack.py).
"""

from __future__ import annotations

import asyncio.constants
import contextvars
import json
import sys
from pathlib import Path
from typing import Any

import ministack.app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import athena, cloudwatch, eventbridge, glue, iam, lambda_svc, sns, stepfunctions
from ministack.services.cloudformation import provisioners

from local.aws import corrections
from local.aws.acting import Judge, watch_alarms, watch_functions, watch_machines, watch_schedules
from local.aws.athena_reads import remember_caller, watch_queries
from local.aws.layers import share_layers
from local.aws.ledger import FILE, Call, Ledger, principal_of

_denied: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar("denied", default=None)


def main(folder: Path) -> None:
    """Put everything in its place, then serve until SIGTERM."""
    # A client that has gone says no goodbye; asyncio would wait half a minute for it, and SIGTERM with it.
    asyncio.constants.SSL_SHUTDOWN_TIMEOUT = 0.5
    ledger = Ledger(folder / FILE)

    enforce = iam_evaluator.enforce

    def judged(access_key: str, action: str, service: str, region: str, *place: Any, **more: Any) -> Any:
        """MiniStack's own judgement, of everybody: the keys that it lets through as root are not there in AWS."""
        remember_caller(access_key)
        resource, context = _placed(*place, **more)
        if not access_key:
            allowed = _public(action, service=service, region=region, resource=resource, keys=context)
            ledger.add(Call("anonymous", action, resource, allowed))
            return None if allowed else iam_evaluator.AuthError("AccessDenied", "Access Denied")
        if iam_evaluator.is_root_access_key(access_key):
            ledger.add(Call("root", action, resource, allowed=False))
            return iam_evaluator.AuthError("InvalidClientTokenId", "The security token in the request is invalid.")
        refused = enforce(access_key, action, service, region, resource, context)
        known = iam_evaluator.resolve_caller_identity(access_key) or {}
        who, session = principal_of(known.get("userArn", "unknown/unknown"))
        conditions = {key.lower(): value for key, value in context.items() if value is not None}
        if not iam_evaluator._request_origin.get()[1]:
            conditions["aws:securetransport"] = "false"
        ledger.add(Call(who, action, resource, refused is None, session, conditions))
        _denied.set((action, resource) if refused else None)
        for needed, on in corrections.needed_besides(action, resource) if refused is None else ():
            refused = refused or judged(access_key, needed, needed.partition(":")[0], region, on)
        return refused

    iam_evaluator.enforce = judged
    judge = Judge(iam_evaluator, ledger)
    corrections.correct_naming(iam_actions)
    corrections.correct_messages(iam_actions, _denied.get)
    corrections.correct_secrets(provisioners)
    corrections.correct_topics(provisioners, sns)
    watch_machines(stepfunctions, judge)
    watch_schedules(eventbridge, judge)
    watch_functions(lambda_svc, judge)
    share_layers(lambda_runtime, lambda_svc)
    watch_alarms(cloudwatch, sns, judge)
    watch_queries(athena, glue, judge, folder=folder)
    _with_principals(json.loads((folder / "principals.json").read_text()))
    # It would serve 443, too, where it may: two stages that start at once fight for that, and one of them dies.
    ministack.app._port_is_bindable = lambda *_: False
    ministack.app.main()


def _public(action: str, *, service: str, region: str, resource: str, keys: dict[str, Any]) -> bool:
    """Whether a resource's own policy lets everybody in: who shows no key is not root, as MiniStack has it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    """
    policy, _ = iam_evaluator._resource_policy(service, resource) or (None, None)
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Anonymous",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=region,
        service_context={key.lower(): value for key, value in keys.items()},
    )
    return bool(iam_evaluator.evaluate_resource_policy(policy, context).decision == "Allow")


def _placed(resource_arn: str = "*", service_context: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
    """The last two arguments of MiniStack's `enforce`, which callers give by place and by name."""
    return resource_arn, service_context or {}


def _with_principals(principals: list[dict[str, Any]]) -> None:
    """Have these users with these keys, once what was kept from the last time is there."""
    load = ministack.app._load_persisted_state

    def loaded() -> None:
        load()
        for one in principals:
            name = one["user"]
            if name not in iam._users:
                iam._create_user({"UserName": [name]})
            iam._user_inline_policies[name] = {"stage": json.dumps(one["policy"])}
            record = {"UserName": name, "AccessKeyId": one["key"], "SecretAccessKey": one["secret"]}
            iam._access_keys[one["key"]] = {**record, "Status": "Active", "CreateDate": iam._now()}

    ministack.app._load_persisted_state = loaded


if __name__ == "__main__":
    place = Path(sys.argv.pop())
    main(place)
