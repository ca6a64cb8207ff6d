"""minutemend: every minute accounted for: present, repaired, proven absent, or reported failed.

The helpers keep the names that the original project gave them; each lives in the room of its subject and is
imported from here on first use, so that a function which needs no pandas never imports it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minutemend.adapters.athena import get_athena_query_results as get_athena_query_results
    from minutemend.adapters.athena import submit_athena_query as submit_athena_query
    from minutemend.adapters.athena import wait_for_athena_results as wait_for_athena_results
    from minutemend.adapters.sqs import send_to_sqs as send_to_sqs
    from minutemend.core.data_check import generate_data_check_query as generate_data_check_query
    from minutemend.services.interest import get_interested_stocks as get_interested_stocks
    from minutemend.wiring.environment import get_environ_variable as get_environ_variable

_HOMES = {
    "get_interested_stocks": "minutemend.services.interest",
    "get_environ_variable": "minutemend.wiring.environment",
    "send_to_sqs": "minutemend.adapters.sqs",
    "generate_data_check_query": "minutemend.core.data_check",
    "submit_athena_query": "minutemend.adapters.athena",
    "wait_for_athena_results": "minutemend.adapters.athena",
    "get_athena_query_results": "minutemend.adapters.athena",
    "check": "mend.check.api",  # of the tools, which no function has: by name, so that the layer imports none
    "read": "mend.reading",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'minutemend' has no attribute {name!r}")
