"""A page of the tab of videos, for tests of what serves it."""

import pytest

from tests.support.visitors import CapturePage


@pytest.fixture
def page(make_lobby):
    return CapturePage(make_lobby())
