"""Every row of the golden file, by name."""

from __future__ import annotations

from tests.golden import files, kept, rows, said  # noqa: F401, RUF100
from tests.golden.record import ROWS as ROWS
from tests.golden.record import SLOW as SLOW
