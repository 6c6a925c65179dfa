"""Batches that wait on a device: new ones in their order, some of the last between them."""

from __future__ import annotations

from itertools import count, islice

import pytest
import torch

from train.feed import feed


def batches():
    for number in count():
        yield (torch.full((2,), number),)


def test_a_cpu_gets_what_is_drawn():
    assert [int(b[0][0]) for b in islice(feed(batches(), "cpu"), 5)] == [0, 1, 2, 3, 4]


def test_elsewhere_old_batches_are_learnt_from_until_a_new_one_is_there():
    seen = []
    for (batch,) in feed(batches(), "cpu:0", kept=3):
        seen.append(int(batch[0]))
        if seen[-1] == 8:
            break
    new = list(dict.fromkeys(seen))
    assert new == list(range(9))
    latest = 0
    for number in seen:
        latest = max(latest, number)
        assert number > latest - 3


def test_what_goes_wrong_where_batches_are_cut_is_told():
    def broken():
        yield (torch.zeros(2),)
        raise ValueError("no clip is long enough")

    with pytest.raises(ValueError, match="no clip is long enough"):
        for _ in feed(broken(), "cpu:0"):
            pass
