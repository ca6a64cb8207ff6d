"""Compaction: many small bar objects become one, and no reader notices.

A minute arrives as one object for each chunk of symbols, a repair as one for each job and hour. The objects
of an hour, and later of a date, are rewritten as one sorted object once there are more than `MAX_OBJECTS`.

1. list the inputs; 2. keep what loses among their bars (services/history.py), then write the resolved bars under a
key made from that content; 3. write a manifest under `retired/`, outside every table, that names the inputs by key and
etag; 4. delete them when the manifest is due, `retire_after` later.

Why no reader notices. Order the objects: A covers B when, for every minute in B, A has that bar or one that wins
over it by `core.bars.resolve` (of the same bar, the row that was known before wins). What a reader sees is the join of
all objects, and step 2 writes the join of its inputs, so the output covers every input and adds nothing.

- A reader, an audit or a repair between any two steps joins a set that has the same join: the inputs, the
  inputs and the output, the output. What a repair adds meanwhile is no input of ours and is not retired.
- Two compactors at once: each output covers its inputs. An input is retired in favour of an output that may
  itself be retired in favour of another, and so on, but never in a circle: two objects that cover one another
  say the same, and what compaction writes has a key made of everything it says (an hour's object is never
  written from a date's). So each deleted object is covered by one that stays.
- Death between any two steps leaves at worst an output beside its inputs; the next compaction writes the same
  output, finds it there, and retires the inputs. Step 4 deletes objects before the manifest: done again, it
  does nothing.
- An input that somebody writes anew before step 4 (a redelivered capture) has the content that was retired; if
  it differs in `captured_at` its etag differs, and it stays, to be an input of a later compaction.
- The answers of a date are compacted by the same steps: of one job's rows the newest counts for every reader, so that
  the join is as above (services/answers.py).
- A reader that listed before step 4 and reads after it misses an object: `retire_after` has to be longer than
  the longest query. `Lake.read_bars` notices the missing object and begins anew.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from minutemend.contract import Table
from minutemend.core.jobs import content_id
from minutemend.core.minutes import Range, day_range
from minutemend.ports.store import Store, Stored
from minutemend.services.history import read_history
from minutemend.services.lake import Lake
from minutemend.services.tables import listed

RETIRED_PREFIX = "retired/"
# A reader pays about a millisecond an object; rewriting a date for each repaired minute would cost more, and
# would touch what was not mended. So a few objects may lie beside one another.
MAX_OBJECTS = 4
_STAMP = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class Compaction:
    """What one call did: keys written, how many objects were retired and deleted.

    `objects` are those that say all that the dates hold: what was retired is not among them.
    """

    written: tuple[str, ...]
    retired: int
    deleted: int
    objects: tuple[Stored, ...]


def compact(
    lake: Lake,
    window: Range,
    *,
    closed: Collection[date],
    now: datetime,
    retire_after: timedelta,
    retired: Collection[tuple[str, str]] | None = None,
) -> Compaction:
    """Compact the dates of `window` that are `closed` (no minute of theirs is still to come) each to one
    object, and its hours on other dates each to one; then delete whatever is due at `now`.

    `retired` are the `retired_objects`, where the caller compacts date by date: then it has to call `delete_retired`.
    """
    pending = retired_objects(lake.store) if retired is None else set(retired)
    written: list[str] = []
    there: list[Stored] = []
    count = 0
    for day in window.dates():
        found = [stored for stored in lake.bar_objects(day_range(day)) if (stored.key, stored.etag) not in pending]
        there += found
        groups: Iterable[tuple[int | None, list[Stored]]]
        groups = [(None, found)] if day in closed else _by_hour(found, window, day)
        for hour, inputs in groups:
            if len(inputs) <= MAX_OBJECTS:
                continue
            history = read_history(lake, inputs)
            if history is None:
                continue  # another compactor is at it
            lake.put_superseded(history.superseded(), day=day)
            key = lake.put_compacted(history.compacted(), day=day, hour=hour)
            written.append(key)
            gone = [stored for stored in inputs if stored.key != key]
            there = [*(one for one in there if one not in inputs), Stored(key, 0, "", now)]
            count += retire(lake.store, gone, due=now + retire_after)
            pending |= {(stored.key, stored.etag) for stored in gone}
    deleted = delete_retired(lake.store, now=now) if retired is None else 0
    return Compaction(tuple(written), count, deleted, tuple(there))


def compact_answers(
    lake: Lake, day: date, *, now: datetime, retire_after: timedelta, retired: Collection[tuple[str, str]]
) -> tuple[str, ...]:
    """Compact the answers of a UTC date to one object, whatever may still come; the key, if one was written.

    `retired` are the `retired_objects`. It is for the caller to call `delete_retired`.
    """
    inputs = [stored for stored in listed(lake.store, Table.ANSWERS, [day]) if (stored.key, stored.etag) not in retired]
    told = lake.answers.rows_of([stored.key for stored in inputs]) if len(inputs) > MAX_OBJECTS else None
    if told is None:  # few enough; or another compactor is at it
        return ()
    key = lake.answers.put_compacted(told, day)
    retire(lake.store, [stored for stored in inputs if stored.key != key], due=now + retire_after)
    return (key,)


def retire(store: Store, objects: Collection[Stored], *, due: datetime) -> int:
    """Write the manifest that lets `delete_retired` delete these objects from `due` on. Returns how many they are."""
    named = [[stored.key, stored.etag] for stored in sorted(objects)]
    if named:
        key = f"{RETIRED_PREFIX}{due.astimezone(UTC).strftime(_STAMP)}-{content_id(*named)}.json"
        store.put(key, json.dumps(named).encode())
    return len(named)


def delete_retired(store: Store, *, now: datetime) -> int:
    """Delete the retired objects that are due at `now` and still the ones that were retired; returns how many."""
    deleted = 0
    last = f"{RETIRED_PREFIX}{now.astimezone(UTC).strftime(_STAMP)}-~"
    for manifest in _manifests(store):
        if manifest > last:
            break
        retired = _read(store, manifest)
        prefixes = {key.rpartition("/")[0] + "/" for key, _ in retired}
        there = {(stored.key, stored.etag) for prefix in prefixes for stored in store.list(prefix)}
        gone = sorted(key for key, _ in retired & there)
        store.delete(gone)
        store.delete([manifest])
        deleted += len(gone)
    return deleted


def retired_objects(store: Store) -> set[tuple[str, str]]:
    """Key and etag of every object that is retired and not deleted yet: what it says is said elsewhere."""
    return {pair for manifest in _manifests(store) for pair in _read(store, manifest)}


def _manifests(store: Store) -> list[str]:
    """Their keys, the first that is due first; not what others left there."""
    return [one.key for one in store.list(RETIRED_PREFIX) if one.key.endswith(".json")]


def _read(store: Store, key: str) -> set[tuple[str, str]]:
    """The objects that a manifest names; none when another run was quicker."""
    body = store.get(key)
    return set() if body is None else {(name, etag) for name, etag in json.loads(body)}


def _by_hour(found: Iterable[Stored], window: Range, day: date) -> list[tuple[int | None, list[Stored]]]:
    """The objects of one hour, for the window's hours on `day`; objects of a whole date are left alone."""
    wanted = {hour.hour for hour in window.hours() if hour.date() == day}
    grouped: dict[int, list[Stored]] = defaultdict(list)
    for stored in found:
        name = stored.key.rpartition("/")[2].partition("-")[0]
        if name.isdigit() and int(name) in wanted:
            grouped[int(name)].append(stored)
    return [*grouped.items()]
