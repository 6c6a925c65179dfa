"""The golden file: outputs, files, messages and help texts are what they were; see tests/golden."""

from __future__ import annotations

import pytest

from tests.golden import record
from tests.golden.all_rows import ROWS, SLOW

KEPT = record.read()


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name in sorted({*ROWS, *KEPT})
    ],
)
def test_row(name):
    assert name in ROWS, "the golden file has a row that nothing makes any more"
    assert name in KEPT, f"not recorded yet: python -m tests.golden --only {name!r}"
    found, kept = record.make(name), KEPT[name]
    assert set(found) == set(kept)  # in which order parts are made is nobody's promise
    changed = [part for part in found if not record.agree(found[part], kept[part])]
    assert not changed, (
        f"{name} is not what it was: {', '.join(changed)}. If that is intended, say so in"
        " CHANGELOG.md (under Numerics where a seed gives something else than before) and run"
        f" python -m tests.golden --only {name!r}"
    )
