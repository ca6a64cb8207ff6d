"""From an exception to the one message that a person can act on."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import click

from mend.denials import explain_denial

_UNWRITTEN = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EBADF,
    errno.EROFS,
)  # of an output without a name


class Problem(click.ClickException):
    """Unusable input or environment: one message, and what to run or do next. Exit code 2."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n  next: {hint}")


def refuse_folder(option: str, path: Path) -> None:
    """Raises Problem where a file cannot be written: before the work, whose result would be lost."""
    folder = path.parent
    if not folder.is_dir():
        raise Problem(f"{option} {path}: there is no folder {folder}: one that is there would be right")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise Problem(f"{option} {path}: it may not be written: a file in a folder of yours would be right")


def refuse_other(option: str, path: Path, marks: tuple[bytes, ...]) -> None:
    """Raises Problem where a file is there that is none of ours: one begins with the first mark and holds all."""
    held = path.read_bytes() if path.is_file() else b""
    if held and not (held.startswith(marks[0]) and all(mark in held for mark in marks)):
        raise Problem(f"{option} {path}: another file is there, which would be lost: a name of its own would be right")


def explain(problem: Exception) -> str | None:
    """The message for what a user or an environment can cause; None for what only a bug can."""
    message: str | None = None
    if isinstance(problem, click.ClickException):
        message = problem.format_message()
        if isinstance(problem, click.UsageError) and problem.ctx:
            message += f"\n  next: {problem.ctx.command_path} --help"
    elif _is_ours(problem):
        message = str(problem)
    elif "botocore" in sys.modules:
        message = _explain_aws(problem)
    if message is None and (duckdb := sys.modules.get("duckdb")) and isinstance(problem, duckdb.Error):
        # A file that went away or a full disk is the environment's; any other error of a statement is ours.
        outside = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.HTTPException)
        message = str(problem).strip().splitlines()[0] if isinstance(problem, outside) else None
    if message is None and isinstance(problem, ModuleNotFoundError) and problem.name:
        package = problem.name.partition(".")[0]
        if package not in ("mend", "minutemend"):
            message = (
                f"{package} is not installed: in a clone of minutemend `make setup` installs all of it; from the "
                "package alone `mend check` works"
            )
    if message is None and isinstance(problem, OSError) and problem.filename:
        message = f"{problem.filename}: {problem.strerror}"
    if message is None and isinstance(problem, OSError) and problem.errno in _UNWRITTEN:
        message = f"what was asked for could not be written: {problem.strerror}"
    return message


def _is_ours(problem: Exception) -> bool:
    ours: list[type[Exception]] = []
    # Not imported yet means that it cannot be one of theirs.
    if errors := sys.modules.get("minutemend.core.errors"):
        ours.append(errors.MinutemendError)
    if servers := sys.modules.get("local.servers"):
        ours.append(servers.LocalProblem)
    if settings := sys.modules.get("infra.settings"):
        ours += [settings.UnknownStage, settings.UnsafeSettings]
    return isinstance(problem, tuple(ours))


# Error codes of AWS -> what is wrong, and what to do.
_CODES = {
    "the AWS credentials have expired|aws sso login, or renew them": (
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
    ),
    "AWS does not accept these credentials|aws sts get-caller-identity": (
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "AuthFailure",
    ),
    "these credentials may not do that|ask for the permission, or set AWS_PROFILE to another profile": (
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
    ),
}


def _explain_aws(problem: Exception) -> str | None:
    from botocore import exceptions as aws

    if isinstance(problem, aws.ClientError):
        error = problem.response.get("Error", {})
        code, text = error.get("Code", "?"), error.get("Message", "")
        if denial := explain_denial(text):
            return f"{denial[0]} ({code})\n  next: {denial[1]}"
        for what, codes in _CODES.items():
            if code in codes:
                said, _, hint = what.partition("|")
                return f"{said} ({code}): {text}\n  next: {hint}"
        return f"AWS said {code} to {problem.operation_name}: {text}"
    if not isinstance(problem, (aws.BotoCoreError, aws.HTTPClientError)):
        return None
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    unreachable = (
        f"nothing answers at {endpoint} (AWS_ENDPOINT_URL)|mend local status, or unset it for AWS"
        if endpoint
        else f"AWS could not be reached: {problem}|look at the network; `mend local up` needs none"
    )
    kinds: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
        (
            (aws.NoCredentialsError, aws.PartialCredentialsError),
            "there are no AWS credentials here|aws configure sso, or set AWS_PROFILE; `mend local up` needs no account",
        ),
        (
            (aws.TokenRetrievalError, aws.SSOTokenLoadError, aws.UnauthorizedSSOTokenError),
            "the AWS sign-in has expired|aws sso login",
        ),
        ((aws.ProfileNotFound,), f"{problem}|aws configure list-profiles, then set AWS_PROFILE to one of them"),
        ((aws.NoRegionError,), "no AWS region is set|export AWS_DEFAULT_REGION=us-east-1"),
        ((aws.ConnectionError, aws.HTTPClientError), unreachable),
    )
    for types, what in kinds:
        if isinstance(problem, types):
            said, _, hint = what.partition("|")
            return f"{said}\n  next: {hint}"
    return str(problem)
