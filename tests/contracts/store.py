"""The Store's contract."""

from __future__ import annotations

import uuid
from abc import abstractmethod

import pytest
from minutemend.ports import Store, StoreConflict


class StoreContract:
    """Subclass and give a `store`; keys are new in each test, so that a real bucket may be shared."""

    @pytest.fixture
    @abstractmethod
    def store(self) -> Store: ...

    @pytest.fixture
    def prefix(self) -> str:
        return f"contract/{uuid.uuid4().hex}/"

    def test_what_was_put_is_got_listed_and_headed(self, store: Store, prefix: str) -> None:
        etag = store.put(f"{prefix}dt=2026-01-05/a", b"one")
        assert store.get(f"{prefix}dt=2026-01-05/a") == b"one"
        headed = store.head(f"{prefix}dt=2026-01-05/a")
        listed = store.list(prefix)
        assert headed is not None
        assert [(one.key, one.size, one.etag) for one in listed] == [(f"{prefix}dt=2026-01-05/a", 3, etag)]
        assert (headed.key, headed.size, headed.etag) == (f"{prefix}dt=2026-01-05/a", 3, etag)
        assert listed[0].modified.tzinfo is not None

    def test_what_is_not_there_is_none_and_not_an_error(self, store: Store, prefix: str) -> None:
        assert store.get(f"{prefix}a") is None
        assert store.head(f"{prefix}a") is None
        assert store.list(prefix) == []

    def test_a_second_put_replaces_unless_it_wanted_nothing_there(self, store: Store, prefix: str) -> None:
        store.put(f"{prefix}a", b"one")
        with pytest.raises(StoreConflict):
            store.put(f"{prefix}a", b"two", if_absent=True)
        assert store.get(f"{prefix}a") == b"one"
        store.put(f"{prefix}a", b"three")
        assert store.get(f"{prefix}a") == b"three"

    def test_a_put_on_an_etag_meets_that_object_or_conflicts(self, store: Store, prefix: str) -> None:
        etag = store.put(f"{prefix}a", b"one")
        store.put(f"{prefix}a", b"two", if_match=etag)
        with pytest.raises(StoreConflict):
            store.put(f"{prefix}a", b"three", if_match=etag)
        assert store.get(f"{prefix}a") == b"two"

    def test_a_put_on_an_etag_of_an_object_that_is_gone_conflicts(self, store: Store, prefix: str) -> None:
        etag = store.put(f"{prefix}a", b"one")
        store.delete([f"{prefix}a"])
        with pytest.raises(StoreConflict):
            store.put(f"{prefix}a", b"two", if_match=etag)

    def test_deleting_takes_what_is_there_and_minds_nothing_that_is_gone(self, store: Store, prefix: str) -> None:
        store.put(f"{prefix}a", b"one")
        store.put(f"{prefix}b", b"two")
        store.delete([f"{prefix}a", f"{prefix}never"])
        store.delete([])
        assert [one.key for one in store.list(prefix)] == [f"{prefix}b"]

    def test_a_listing_is_sorted_whole_and_of_its_prefix_alone(self, store: Store, prefix: str) -> None:
        for name in ("b", "a", "c/d", "other"):
            store.put(f"{prefix}{name}", b"x")
        assert [one.key for one in store.list(f"{prefix}c")] == [f"{prefix}c/d"]
        assert [one.key for one in store.list(prefix)] == [f"{prefix}{name}" for name in ("a", "b", "c/d", "other")]

    def test_what_other_programs_leave_is_no_object(self, store: Store, prefix: str) -> None:
        """The console of S3 makes an empty object for a new folder, Spark a mark, and macOS a file of its own."""
        for name in ("dt=2026-01-05/", "dt=2026-01-05/_SUCCESS", "dt=2026-01-05/.DS_Store"):
            store.put(f"{prefix}{name}", b"")
        assert store.list(prefix) == []
