"""What watches a stage: its dashboard, its alarms and the metrics under them. CloudWatch in AWS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from minutemend.core.minutes import Range


@dataclass(frozen=True, slots=True, order=True)
class MetricRef:
    """One metric: namespace, name, and its dimensions as sorted pairs."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        where = ", ".join(f"{key}={value}" for key, value in self.dimensions)
        return f"{self.namespace} {self.name}" + (f" ({where})" if where else "")


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it is deployed. `actions` are those of the ALARM state."""

    name: str
    state: str  # OK, ALARM or INSUFFICIENT_DATA
    reason: str
    actions: tuple[str, ...]
    enabled: bool  # whether its actions are
    metrics: tuple[MetricRef, ...]


@dataclass(frozen=True, slots=True)
class Subscribers:
    """How many are told what a topic is told, and how many have yet to confirm that they want to be."""

    confirmed: int
    pending: int


class Monitoring(ABC):
    """Reads; changes nothing."""

    @abstractmethod
    def dashboard(self) -> str | None:
        """The body of the deployed dashboard, JSON, or None when there is none."""

    @abstractmethod
    def alarms(self) -> list[Alarm]:
        """The stage's alarms that are there, sorted by name."""

    @abstractmethod
    def intended_alarms(self) -> frozenset[str]:
        """The names of the alarms that the deployed stack has."""

    @abstractmethod
    def resources(self) -> Mapping[str, frozenset[str]]:
        """The physical names of the stack's resources by their types, as `AWS::Lambda::Function`."""

    @abstractmethod
    def subscribers(self, topic: str) -> Subscribers:
        """Who is subscribed to a topic, by its ARN."""

    @abstractmethod
    def samples(self, metrics: Collection[MetricRef], window: Range) -> dict[MetricRef, float]:
        """How many samples each metric has in the window; 0 for none."""
