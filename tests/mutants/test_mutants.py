"""Mistakes made by hand in the product, one at a time: the unit tests named beside each must go red (`make mutants`).

The simulation has its own (tests/unit/simulation/test_mutants.py); these are of every room, and each names the tests
that a person would expect to hold the line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "runtime" / "layer"

EVIDENCE = "tests/unit/core/test_evidence.py tests/unit/core/test_evidence_edges.py"
PAST = "tests/unit/services/test_whole_sessions.py tests/unit/services/test_old_lake.py"
BESIDE = "tests/unit/services/test_beside_what_was_asked.py"
SESSIONS = "tests/unit/services/test_whole_sessions.py"
LEARNED = "tests/unit/core/test_learned.py"
PLAN = "tests/unit/core/test_plan.py"
LOOP = "tests/unit/services/test_repair_loop.py"
PARTS = f"{LOOP} tests/unit/services/test_repair_parts.py"
CAPTURE = "tests/unit/services/test_capture.py tests/unit/services/test_capture_late.py"
ASKING = "tests/unit/services/test_capture_asking.py"
VENDORS = "tests/unit/adapters/test_vendors.py"
PUBLISH = "tests/unit/services/test_publish.py tests/unit/services/test_publish_part.py tests/unit/services/test_publish_interrupted.py"
MEANWHILE = "tests/unit/services/test_changed_meanwhile.py"

# File below runtime/layer/minutemend, what stands there (once), the mistake, and the tests that notice it.
MUTANTS = [
    # An absence has to be earned.
    ("services/look.py", "if (sound & (absent > 0)).any():", "if False:", PAST),
    ("services/look.py", "seen.start.date()", "window.end.date() + timedelta(days=1)", PAST),
    ("services/look.py", "lake.proven_ranges(day), lake.revocations(day_range(day))", "lake.proven_ranges(day), []", PAST),
    ("services/look.py", "answers(near, raw.symbols)", "answers(near, raw.less(proven(lake.absences(window), raw)).symbols)", SESSIONS),
    ("services/look.py", "start = min([window.start, *(one.open for one in sessions)])", "start = window.start", SESSIONS),
    ("core/density.py", "unasked, off), _chance(gaps, length, window, unasked, off)", "unasked, EMPTY), _chance(gaps, length, window, unasked, off)", SESSIONS),
    ("core/evidence.py", "| (self.begin[self.answer[entry]] <= opened)", "| (self.start[entry] <= opened)", SESSIONS),
    ("core/evidence.py", " | self._revoked(revoked)", "", "tests/unit/services/test_reach_of_a_look.py"),
    ("services/look.py", "& (known <= due(day))", "", BESIDE),
    ("services/look.py", "shown_since(absences, observations, raw)", "[]", BESIDE),
    ("services/look.py", "beside = timedelta(minutes=AROUND)", "beside = timedelta(0)", BESIDE),
    ("core/density.py", "_, day = np.unique(place(gaps.symbol, gaps.session_open // 1440)", "_, day = np.unique(place(gaps.symbol, gaps.session_open)", BESIDE),
    ("core/density.py", "one &= (opens >= ends) & (opens - ends <= AROUND)", "one &= False", BESIDE),
    ("core/evidence.py", "((form == 0) & other)", "((form == 0) & False)", BESIDE),
    ("core/evidence.py", "(self.when <= own)", "(own >= 0)", BESIDE),
    ("core/evidence.py", "poor = self.told.incomplete | lacking(", "poor = lacking(", BESIDE),
    ("core/evidence.py", "& ~self.told.incomplete & np", "& np", BESIDE),
    ("core/told.py", "& (minutes < until[whole[at]])", "", BESIDE),
    ("core/told.py", " | several[one], 0, rows", ", 0, rows", EVIDENCE),
    ("core/blackouts.py", "(deep >= LACKING)", "(deep >= FEWEST)", BESIDE),
    ("services/process_repairs.py", "said if len(job.gaps) else [one for one in said if one.shown is not None]", "said if len(job.gaps) else []", BESIDE),
    ("core/evidence.py", " or found.needs.suspected.any())", ")", EVIDENCE),
    ("core/evidence.py", "begin, self.whole[shown], first[shown]", "begin, self.whole, first", EVIDENCE),
    ("core/evidence.py", "& begun & (later | over)", "& (later | over)", EVIDENCE),
    ("core/evidence.py", "& (self.after[entry] < closed)", "", EVIDENCE),
    ("core/evidence.py", "& (self.reach[self.answer[entry]] >= closed)", "", EVIDENCE),
    ("core/evidence.py", "np.maximum.at(reach, self.whole[shown], last[shown])", "reach[self.whole] = last", EVIDENCE),
    ("core/evidence.py", "reach, self.whole[shown], last[shown]", "reach, self.whole, last", EVIDENCE),
    ("core/evidence.py", "over &= self.when >= closed * minute + settled", "", EVIDENCE),
    ("core/evidence.py", "self._two(looked & ~poor)", "self._two(looked)", EVIDENCE),
    ("core/evidence.py", "none = early < 0", "none = early < 1 << 40", EVIDENCE),
    ("core/evidence.py", "closed[:, at] |= twice | (again & none)", "closed[:, at] |= twice", EVIDENCE),
    ("core/evidence.py", "(twice & ~plausible) | (ever & none)", "twice & ~plausible", EVIDENCE),
    ("core/evidence.py", "looked & poor & self.mine", "looked & poor", EVIDENCE),
    ("core/told.py", "if said is None:", "if True:", EVIDENCE),
    ("core/told.py", "one.rows + one.stated.minutes", "one.rows", EVIDENCE),
    ("core/evidence.py", "self._counts() & ~wrong", "self._counts()", EVIDENCE),
    ("core/evidence.py", "self._lacked(raw, off, window, lane) | self", "self", EVIDENCE),
    ("core/evidence.py", "self.gaps.end[self.piece] * minute + lag)", "self.gaps.end[self.piece] * minute)", EVIDENCE),
    ("core/evidence.py", "if source.kind is not SourceKind.UNKNOWN", "", EVIDENCE),
    ("core/evidence.py", "is AnswerKind.GIVE_UP and one.audit_id == audit_id", "is AnswerKind.GIVE_UP", EVIDENCE),
    ("core/evidence.py", ">= LEAST) & ~dark", ">= LEAST)", EVIDENCE),
    ("core/evidence.py", "if one.rule >= RULE", "", f"{EVIDENCE} tests/unit/services/test_absence_again.py"),
    ("core/density.py", "np.cumsum(np.minimum(line.lengths, COUNTED))", "np.cumsum(line.lengths)", EVIDENCE),
    ("core/blackouts.py", "(expected >= FEWEST)", "(expected >= FEWEST - 1)", EVIDENCE),
    ("core/density.py", "0, 2 * most + 2)", "0, 2 * most + 3)", EVIDENCE),
    ("core/density.py", "AROUND = 120", "AROUND = 60", EVIDENCE),
    ("core/revocations.py", "if one.proven_at <= each", "if one.proven_at < each", "tests/unit/services/test_absence_again.py"),
    # What a job learned, and what it may write.
    ("core/learned.py", "padded[np.searchsorted(shown, left.starts)]", "padded[1:][np.searchsorted(shown, left.starts)]", LEARNED),
    ("core/learned.py", "subtract(inside, runs(minutes))[0], said)", "subtract(inside, runs(minutes))[0], runs([]))", LEARNED),
    ("core/learned.py", "place(bars.codes, bars.minutes)) >= 0", "place(bars.codes, bars.minutes)) >= -1", LEARNED),
    # The plan asks little, and never too soon.
    ("core/plan.py", "vendors[(attempt - 1 + step) % len(vendors)]", "vendors[(attempt + step) % len(vendors)]", PLAN),
    ("core/plan.py", "np.maximum.at(waits, request[at], again[which])", "waits[request[at]] = again[which].min()", PLAN),
    ("core/plan.py", "open_to & ~needs.closed_to(vendor.name)", "open_to.copy()", PLAN),
    ("core/plan.py", "math.ceil(mine / vendor.per_minute) - 1", "math.ceil(mine / vendor.per_minute)", PLAN),
    ("core/cover.py", "MARGIN = 10", "MARGIN = 0", f"{PLAN} tests/unit/core/test_cover.py"),
    # Which of two bars is read.
    ("core/bars.py", '"captured_at", "repaired", "repair_id"', '"repaired", "captured_at", "repair_id"', "tests/unit/core/test_bars.py"),
    ("core/bars.py", "pc.negate(pc.fill_null(", "pc.abs(pc.fill_null(", "tests/unit/core/test_bars.py"),
    # Facts and the word that they are ready.
    ("core/facts.py", "& expected.flags & ~present", "& expected.flags", "tests/unit/core/test_facts.py"),
    ("core/publication.py", "sorted(asked - set(missing))", "sorted(asked)", PUBLISH),
    ("services/publish.py", "if one.rows.num_rows:", "if one.names:", PUBLISH),
    ("services/facts.py", "again = self._revoked(part, done)", "again = []", MEANWHILE),
    ("services/facts.py", "return _made_of(self.lake) == self.made_of", "return True", MEANWHILE),
    ("services/publish.py", "if self.lake.store.head(marker) is not None:", "if False:", PUBLISH),
    # The worker.
    ("services/process_repairs.py", "if claim.tries < self.max_receives:", "if claim.tries <= self.max_receives:", PARTS),
    ("services/process_repairs.py", "if claim.tries < self.max_receives:", "if claim.tries + 1 < self.max_receives:", PARTS),
    ("services/process_repairs.py", "claim, tried=True)", "claim)", PARTS),
    ("services/process_repairs.py", "self.board.pause(job.request.vendor, until", "dict(until", PARTS),
    ("services/worker.py", "message.receives >= self.max_receives:", "message.receives > self.max_receives:", PARTS),
    ("services/process_repairs.py", "job.attempt < self.board.latest_attempt", "job.attempt <= self.board.latest_attempt", PARTS),
    ("services/await_repairs.py", "and state.waits < MOST_WAITS", "", LOOP),
    ("services/await_repairs.py", "progress.settled > state.settled", "progress.settled >= state.settled", LOOP),
    ("services/report_failure.py", "(one.observed_at, one.job_id), reverse=True)", "(one.observed_at, one.job_id))", "tests/unit/services/test_failures.py"),
    ("services/check_data_health.py", "vendors=() if attempt else self.vendors", "vendors=self.vendors", f"{LOOP} tests/unit/services/test_absence_again.py"),
    ("services/check_data_health.py", "due = (now - self.settling)", "due = (now)", "tests/unit/services/test_scope.py"),
    # The capture.
    ("services/capture.py", "job.since > LEAVE_AFTER", "job.since > 10 * LEAVE_AFTER", f"{CAPTURE} {ASKING}"),
    ("services/capture.py", "replace(job, tries=job.tries + 1)", "job", f"{CAPTURE} {ASKING}"),
    ("services/capture.py", "alone.set()", "pass", f"{CAPTURE} {ASKING}"),
    ("core/captures.py", "(scheduled_at - settling)", "scheduled_at", "tests/unit/core/test_captures.py"),
    # Flags.
    ("services/flags.py", "if one.id not in kept", "if True", "tests/unit/services/test_flags.py"),
    ("services/flags.py", " AND close <= {end}", "", "tests/unit/services/test_flags.py"),
    ("services/review.py", "one.found_at >= scheduled_at", "one.found_at < scheduled_at", "tests/unit/services/test_review.py"),
    ("core/value_rules_sql.py", "{step}\n", "1e0\n", "tests/unit/mend/test_values.py"),
    # Adapters and wiring.
    ("adapters/sqs.py", "BATCH = 10", "BATCH = 11", "tests/unit/adapters/test_sqs.py"),
    ("adapters/sqs.py", "-(-message.delay.total_seconds() // 1)", "message.delay.total_seconds() // 1", "tests/unit/adapters/test_sqs.py"),
    ("adapters/s3_store.py", 'condition["IfMatch"] = if_match', "pass", "tests/unit/adapters/test_s3_store.py"),
    ("adapters/athena.py", '"\\0".join((token, workgroup', '"\\0".join((workgroup', "tests/unit/adapters/test_athena.py"),
    ("adapters/vendors/base.py", "for one in rows) >= self.rows", "for one in rows) > self.rows", VENDORS),
    ("adapters/vendors/base.py", "(fresh or said.status != 401)", "(fresh or True)", VENDORS),
    ("adapters/vendors/base.py", "line = line.replace(form,", "line.replace(form,", VENDORS),
    ("core/answers.py", "if status in _PAUSING else", "if True else", f"{VENDORS} tests/unit/core/test_answers.py"),
    ("core/answers.py", "_LIMITED = (429, 418)", "_LIMITED = (429, 418, 500)", f"{VENDORS} tests/unit/core/test_answers.py"),
    ("adapters/vendors/base.py", "vendor.per_minute, vendor.per_second", "vendor.per_minute, None", "tests/unit/wiring/test_compose.py"),
]  # fmt: skip


def _named(mutant: tuple[str, str, str, str]) -> str:
    return f"{mutant[0]}: {mutant[2] or 'without ' + mutant[1]}"


@pytest.mark.parametrize("mutant", MUTANTS, ids=_named)
def test_a_mistake_is_noticed(mutant: tuple[str, str, str, str], tmp_path: Path) -> None:
    file, old, new, tests = mutant
    layer = tmp_path / "layer"
    shutil.copytree(LAYER, layer, ignore=shutil.ignore_patterns("__pycache__"))
    path = layer / "minutemend" / file
    text = path.read_text()
    assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
    path.write_text(text.replace(old, new))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests.split()],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{layer}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, f"no test failed:\n{done.stdout[-2000:]}{done.stderr[-500:]}"
