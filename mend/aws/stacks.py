"""What is deployed: a stack's outputs, and the environment of its functions."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from minutemend.core.errors import BadInput


class NotDeployed(BadInput):
    """No stack of that name is deployed where the credentials and the region lead."""


def stack_outputs(cloudformation: Any, stack_name: str) -> dict[str, str]:
    """The outputs of a stack by their keys. Raises NotDeployed when there is none, or it never came up."""
    try:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as refused:
        # CloudFormation says ValidationError of a stack that it does not have, and of nothing else here.
        if refused.response["Error"]["Code"] != "ValidationError":
            raise
        raise NotDeployed(f"{stack_name} is not deployed") from None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
    if not outputs:
        raise NotDeployed(f"{stack_name} is in state {stack['StackStatus']} and has no outputs")
    return outputs


def function_environment(lambda_client: Any, function_name: str) -> dict[str, str]:
    """The environment variables of a deployed function."""
    configuration = lambda_client.get_function_configuration(FunctionName=function_name)
    return dict(configuration.get("Environment", {}).get("Variables", {}))
