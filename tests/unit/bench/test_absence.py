"""The figures of the absence rule on the real bars keep their limits."""

from __future__ import annotations

import pytest

from bench.absence import DATA, run


def test_natural_quiet_is_not_suspected_and_punched_holes_are() -> None:
    if not DATA.is_dir():
        pytest.skip(f"the real minute bars are not there ({DATA}); they are kept outside the repository")
    found = run()
    assert [figure.what for figure in found if not figure.kept] == []
    assert sum(figure.limit is not None for figure in found) == 8
