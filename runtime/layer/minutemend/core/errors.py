"""The typed errors of minutemend. A failure is recognised by its type, never by its text."""


class MinutemendError(Exception):
    """Everything that minutemend itself raises."""


class BadInput(MinutemendError):
    """Somebody gave us something unusable.

    The message says what was wrong, where, and what would be right. The command line exits with 2,
    the state machine ends in its `Fail` state with the message as the cause.
    """


class MissingEnvironment(MinutemendError):
    """Environment variables that a function needs are not set; the message names all of them at once."""


class QueryError(MinutemendError):
    """An Athena query did not succeed.

    `reason` is Athena's own, `query_id` its execution id, `scanned_bytes` what was billed (None: unknown),
    `retryable` whether the same query may succeed when it is started anew.
    """

    def __init__(
        self, message: str, *, query_id: str, reason: str, scanned_bytes: int | None, retryable: bool = False
    ) -> None:
        super().__init__(f"{message} (query {query_id}, {scanned_bytes} bytes scanned): {reason}")
        self.query_id = query_id
        self.reason = reason
        self.scanned_bytes = scanned_bytes
        self.retryable = retryable


class QueryFailed(QueryError):
    """Athena ended the query in FAILED."""


class QueryCancelled(QueryError):
    """The query was cancelled, by somebody or by the workgroup."""


class QueryCutOff(QueryError):
    """The workgroup's scan limit cut the query off."""


class QueryTimedOut(QueryError):
    """We stopped waiting before the function would have died, and cancelled the query."""
