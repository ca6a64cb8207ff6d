"""What AWS' services do in the name of a role, judged as AWS judges it: MiniStack does it unasked.

Each hook stands before one function of MiniStack. The role's trust policy must let the service in, and the role be
allowed what the service does with it; the sources are beside the hooks.
"""

from __future__ import annotations

import contextvars
import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from local.aws.corrections import kms_of_topic, machine_of_token
from local.aws.ledger import Call, Ledger

logger = logging.getLogger("minutemend.local")
_SYNC_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
_machine: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("machine", default=None)


class Judge:
    """Asks MiniStack's evaluator, as corrected; `denied` is a message for people, or None."""

    def __init__(self, evaluator: Any, ledger: Ledger) -> None:
        self._evaluator = evaluator
        self._ledger = ledger

    def as_key(self, access_key: str, action: str, resource: str, **conditions: Any) -> str | None:
        """Judge a call in the name of an access key's principal."""
        from ministack.core.iam_actions import identity_denial_message
        from ministack.core.responses import get_region

        service = action.partition(":")[0]
        refused = self._evaluator.enforce(access_key, action, service, get_region(), resource, conditions or None)
        if refused is None:
            return None
        if isinstance(refused, self._evaluator.AuthError):
            return f"{refused.code}: {refused.message}"
        explicit = refused.decision == "Deny"
        return str(identity_denial_message(action, refused.principal_arn, resource, explicit))

    def as_role(
        self, role: str, action: str, resource: str, *, by: str, session: str, source: Mapping[str, str] | None = None
    ) -> str | None:
        """Judge a call that the service `by` makes with a role that it has taken on. `source` are aws:Source… keys."""
        key, refused = self._take(role, by=by, session=session, source=source or {})
        if refused:
            return refused
        # A service speaks TLS, and signs, for each request that it serves.
        origin = self._evaluator._request_origin.set(("127.0.0.1", True))
        unsigned = self._evaluator._anonymous.set(False)
        try:
            return self.as_key(key, action, resource)
        finally:
            self._evaluator._anonymous.reset(unsigned)
            self._evaluator._request_origin.reset(origin)

    def as_service(self, service: str, policy: Any, action: str, resource: str, source: Mapping[str, str]) -> bool:
        """Whether a resource's own policy lets a service in."""
        result = self._evaluator.evaluate_resource_policy(
            policy, self._context(action, resource, source), service=f"{service}.amazonaws.com"
        )
        allowed = result.decision == "Allow"
        self._ledger.add(Call(f"service/{service}", action, resource, allowed, conditions=dict(source)))
        return bool(allowed)

    def _take(self, role: str, *, by: str, session: str, source: Mapping[str, str]) -> tuple[str, str | None]:
        from ministack.services import iam, sts

        account, name = role.split(":")[4], role.rpartition("/")[2]
        known = iam._roles.get_scoped(account, None, name)
        trust = (known or {}).get("AssumeRolePolicyDocument")
        if not self.as_service(by, trust, "sts:AssumeRole", role, source):
            return "", f"{by}.amazonaws.com is not authorized to assume {role}"
        digest = hashlib.sha256(f"{role}:{session}".encode()).hexdigest()
        key = f"ASIA{digest[:16].upper()}"
        if key not in sts._sessions:
            arn = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
            secret = {"SecretAccessKey": digest, "SessionToken": digest[::-1]}
            sts.register_session(key, {"Arn": arn, "UserId": f"{name}:{session}", "AccountId": account, **secret})
        return key, None

    def _context(self, action: str, resource: str, source: Mapping[str, str]) -> Any:
        from ministack.core.responses import get_region

        return self._evaluator.EvalContext(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action=action,
            resource_arn=resource,
            region=get_region(),
            secure_transport=True,
            service_context=dict(source),
        )


def source_of(arn: str) -> dict[str, str]:
    """The condition keys that say for which resource a service acts."""
    return {"aws:sourcearn": arn, "aws:sourceaccount": arn.split(":")[4]}


def watch_machines(stepfunctions: Any, judge: Judge) -> None:
    """The state machine's role invokes its functions, starts other machines, reads what a map goes through, and starts
    the map's children.

    https://docs.aws.amazon.com/step-functions/latest/dg/lambda-iam.html,
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html ("Run a Job (.sync)") and
    https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    """
    run, wait = stepfunctions._run_execution, stepfunctions._invoke_with_callback
    start = stepfunctions._nested_start_execution_request

    def run_known(execution_arn: str) -> Any:
        execution = stepfunctions._executions.get(execution_arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn"))
        before = _machine.set({"machine": execution.get("stateMachineArn"), "role": (machine or {}).get("roleArn")})
        try:
            return run(execution_arn)
        finally:
            _machine.reset(before)  # the waiting caller in this thread goes on in the name of its own role

    def stand_before(name: str, error: str, needs: Callable[..., Iterable[tuple[str, str]]]) -> None:
        """`needs` is told the machine and what the function is given: the actions that its role must be allowed."""
        before = getattr(stepfunctions, name)

        def allowed(*given: Any) -> Any:
            known = _machine.get()
            if known and known["role"]:
                machine = known["machine"]
                whose: dict[str, Any] = {"session": machine.rpartition(":")[2], "source": source_of(machine)}
                for action, resource in needs(machine, *given):
                    if denied := judge.as_role(known["role"], action, resource, by="states", **whose):
                        raise stepfunctions._ExecutionError(error, denied)
            return before(*given)

        setattr(stepfunctions, name, allowed)

    def to_invoke(_machine: str, function: Any, _event: Any) -> Iterable[tuple[str, str]]:
        from ministack.services import lambda_svc

        _, config, _ = lambda_svc._get_func_record_for_ref(function)
        return [("lambda:InvokeFunction", config["FunctionArn"])] if config else []

    def to_wait_for(machine: str, *_given: Any) -> Iterable[tuple[str, str]]:
        rule = ":".join(["arn:aws:events", *machine.split(":")[3:5], f"rule/{_SYNC_RULE}"])
        return [(f"events:{action}", rule) for action in ("PutTargets", "PutRule", "DescribeRule")]

    def wait_known(resource: Any, given: Any, token: str, state: Any) -> Any:
        known = _machine.get()
        if known and known["machine"]:
            machine_of_token[token] = known["machine"]
        return wait(resource, given, token, state)

    stepfunctions._run_execution, stepfunctions._invoke_with_callback = run_known, wait_known
    refused = "StepFunctions.AccessDeniedException"
    stand_before("_call_lambda", "Lambda.AWSLambdaException", to_invoke)
    stand_before(
        "_nested_start_execution_request",
        refused,
        lambda _, given: [("states:StartExecution", start(given)["stateMachineArn"])],
    )
    stand_before("_invoke_nested_start_execution_sync", refused, to_wait_for)
    stand_before(
        "_s3_object_text",
        "States.ItemReaderFailed",
        lambda _, bucket, key: [("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")],
    )
    stand_before("_run_distributed_map", "States.Runtime", lambda machine, *_: [("states:StartExecution", machine)])


def watch_schedules(eventbridge: Any, judge: Judge) -> None:
    """A schedule's role invokes its target.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html ("Set up the execution role")
    """
    invoke = eventbridge._invoke_target
    actions = {"lambda": "lambda:InvokeFunction", "states": "states:StartExecution"}

    def allowed(target: Any, event: Any, rule: Any, view: Any = None) -> Any:
        arn = target.get("Arn", "")
        if event.get("Source") == "aws.scheduler" and (action := actions.get(arn.split(":")[2])):
            group = rule.get("Arn", "").rpartition("/")[0].replace(":schedule/", ":schedule-group/")
            denied = judge.as_role(
                target["RoleArn"], action, arn, by="scheduler", session="schedule", source=source_of(group)
            )
            if denied:
                logger.error("the schedule %s was not allowed its target: %s", rule.get("Name"), denied)
                return None
        return invoke(target, event, rule, view)

    eventbridge._invoke_target = allowed


def watch_functions(lambda_svc: Any, judge: Judge) -> None:
    """A function's role polls its queue, writes its logs and its traces.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html ("Execution role permissions") and
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html; a function that may not write its
    logs runs, and its lines are lost.
    """
    poll, run, log = lambda_svc._run_sqs_batch, lambda_svc._execute_function, lambda_svc._emit_lambda_logs

    def ask(config: Mapping[str, Any], action: str, resource: str) -> str | None:
        name = config["FunctionName"]
        source = source_of(config["FunctionArn"])
        return judge.as_role(config["Role"], action, resource, by="lambda", session=name, source=source)

    def polled(mapping: Any, function: Any, *batch: Any) -> Any:
        config = function.get("config") or function
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
            if denied := ask(config, f"sqs:{action}", mapping["EventSourceArn"]):
                logger.error("the queue was not polled: %s", denied)
                mapping["LastProcessingResult"] = f"PROBLEM: {denied}"
                return None  # the messages come back when their visibility ends
        return poll(mapping, function, *batch)

    def traced(function: Any, event: Any) -> Any:
        config = function.get("config") or function
        if (config.get("TracingConfig") or {}).get("Mode") == "Active":
            for action in ("PutTraceSegments", "PutTelemetryRecords"):
                ask(config, f"xray:{action}", "*")
        return run(function, event)

    def logged(function: Any, *args: Any, **kwargs: Any) -> Any:
        config = function.get("config") or function
        arn = config["FunctionArn"].split(":")
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        stream = f"arn:aws:logs:{arn[3]}:{arn[4]}:log-group:{group}:log-stream:any"
        denied = [ask(config, f"logs:{action}", stream) for action in ("CreateLogStream", "PutLogEvents")]
        if any(denied):
            logger.error("a function's log lines are lost: %s", next(one for one in denied if one))
            return None
        return log(function, *args, **kwargs)

    lambda_svc._run_sqs_batch = polled
    lambda_svc._execute_function = traced
    lambda_svc._emit_lambda_logs = logged


def watch_alarms(cloudwatch: Any, sns: Any, judge: Judge) -> None:
    """CloudWatch publishes to a topic when the topic's policy and its key's let it.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html ("event sources from AWS services")
    """
    dispatch = cloudwatch._dispatch_alarm_actions

    def allowed(alarm: Any, old: Any, new: Any, reason: Any) -> Any:
        source = source_of(alarm["AlarmArn"])
        kept = {field: [one for one in alarm.get(field) or () if _may(one, source)] for field in _ACTION_FIELDS}
        return dispatch({**alarm, **kept}, old, new, reason)

    def _may(topic_arn: str, source: Mapping[str, str]) -> bool:
        if not cloudwatch._is_sns_action_arn(topic_arn):
            return True
        policy, _ = sns.topic_policy_for_arn(topic_arn) or (None, None)
        allowed = judge.as_service("cloudwatch", policy, "sns:Publish", topic_arn, source)
        return allowed and all(_may_use_key(topic_arn, action, source) for action in ("Decrypt", "GenerateDataKey"))

    def _may_use_key(topic_arn: str, action: str, source: Mapping[str, str]) -> bool:
        from ministack.services import kms

        key = kms_of_topic(topic_arn)
        policy = (kms.key_policy_for_arn(key) or (None, None))[0] if key else None
        return key is None or judge.as_service("cloudwatch", policy, f"kms:{action}", key, source)

    cloudwatch._dispatch_alarm_actions = allowed


_ACTION_FIELDS = ("AlarmActions", "OKActions", "InsufficientDataActions")
