"""`python -m market`: the simulator as a process of its own. The first line it prints is its URL."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from minutemend.core.errors import BadInput

from market.server import MarketServer


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns 2 for unusable input."""
    parser = argparse.ArgumentParser(prog="python -m market", description="The market simulator.")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--parquet", type=Path, action="append", default=[], help="replay this file; may be repeated")
    parser.add_argument(
        "--calendar",
        action="append",
        default=[],
        metavar="NAME[=SYMBOL,…]",
        help="when generated symbols trade: XNYS for all, and 24/7=BTCUSD,LTCUSD for some",
    )
    parser.add_argument("--symbols", help="know these alone, separated by commas (default: every symbol)")
    parser.add_argument("--no-trade", type=float, default=0.0, help="share of minutes without a trade")
    parser.add_argument("--credentials", help='tokens to expect, as in the vendor secret: {"finnhub": "TOKEN"}')
    given = parser.parse_args(argv)
    calendar, calendar_of = "XNYS", {}
    for text in given.calendar:
        name, _, listed = text.partition("=")
        if listed:
            calendar_of.update(dict.fromkeys(listed.split(","), name))
        else:
            calendar = name
    try:
        server = MarketServer(
            port=given.port,
            seed=given.seed,
            parquet=given.parquet,
            calendar=calendar,
            calendar_of=calendar_of,
            symbols=given.symbols.split(",") if given.symbols else None,
            no_trade=given.no_trade,
            credentials=_credentials(given.credentials),
        )
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with server:
        print(server.url, flush=True)
        stop.wait()
    return 0


def _credentials(text: str | None) -> dict[str, object]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BadInput(f'--credentials is no JSON object: {{"finnhub": "TOKEN"}} would be right, and not {text}')
    return value


if __name__ == "__main__":
    sys.exit(main())
