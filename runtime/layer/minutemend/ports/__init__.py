"""The ports: what the services need of the world, as abstract classes. Adapters and test fakes subclass them.

Every method may be called twice with the same arguments and means the same both times, unless it says
otherwise. Instants are aware UTC datetimes.
"""

from minutemend.ports.board import Board, Claim, ClaimStatus, Grant, Progress
from minutemend.ports.gap_finder import Found, GapFinder
from minutemend.ports.queue import JobQueue, Message
from minutemend.ports.signals import Signals
from minutemend.ports.store import Store, StoreConflict, Stored
from minutemend.ports.vendor import Vendor

__all__ = [
    "Board",
    "Claim",
    "ClaimStatus",
    "Found",
    "GapFinder",
    "Grant",
    "JobQueue",
    "Message",
    "Progress",
    "Signals",
    "Store",
    "StoreConflict",
    "Stored",
    "Vendor",
]
