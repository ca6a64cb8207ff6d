"""The real adapters keep the same contracts as the fakes, on the stage's own bucket, table and queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from minutemend.adapters.dynamo_board import DynamoBoard
from minutemend.adapters.s3_store import S3Store

from tests.contracts.board import BoardContract
from tests.contracts.store import StoreContract


class TestDynamoBoard(BoardContract):
    @pytest.fixture
    def board(self, stage: Any) -> DynamoBoard:
        return DynamoBoard(stage.clients.dynamodb, stage.output("BoardTable"), clock=lambda: datetime.now(UTC))


class TestS3Store(StoreContract):
    @pytest.fixture
    def store(self, stage: Any) -> S3Store:
        return S3Store(stage.clients.s3, stage.output("ResultsBucket"))
