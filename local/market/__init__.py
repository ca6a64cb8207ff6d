"""The market simulator: an HTTP server on 127.0.0.1 that speaks the vendors' APIs. Development only, never deployed."""

from local.market.server import MarketServer

__all__ = ["MarketServer"]
