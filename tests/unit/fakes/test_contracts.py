"""The fakes keep the ports' contracts: a test on a fake says something about the real thing."""

from __future__ import annotations

import pytest

from tests.contracts.board import BoardContract
from tests.contracts.store import StoreContract
from tests.fakes.board import FakeBoard
from tests.fakes.store import FakeStore


class TestFakeBoard(BoardContract):
    @pytest.fixture
    def board(self) -> FakeBoard:
        return FakeBoard()


class TestFakeStore(StoreContract):
    @pytest.fixture
    def store(self) -> FakeStore:
        return FakeStore()
