"""Keys, masks and scripts: inverse pairs, the order of bits, sentences for mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.video.actions import (
    MOST_FRAMES,
    Key,
    parse_script,
    to_bits,
    to_mask,
    to_names,
    write_script,
)
from tests.support.tiny import KEYS, tiny_world

masks = st.integers(0, 2 ** len(KEYS) - 1)


def test_a_keys_place_in_the_table_is_its_bit():
    assert [to_mask(key.name, KEYS) for key in KEYS] == [1, 2, 4, 8, 16, 32]
    assert to_mask("WD", KEYS) == to_mask("DW", KEYS) == to_mask("DWWD", KEYS) == 9
    assert to_mask("-", KEYS) == to_mask("", KEYS) == 0
    assert to_bits(9, KEYS) == [1, 0, 0, 1, 0, 0]


@given(mask=masks)
def test_masks_survive_their_names_and_bits(mask):
    assert to_mask(to_names(mask, KEYS), KEYS) == mask
    assert sum(bit << i for i, bit in enumerate(to_bits(mask, KEYS))) == mask


@settings(max_examples=50)
@given(played=st.lists(masks, min_size=1, max_size=40))
def test_scripts_survive_writing_and_reading(played):
    assert parse_script(write_script(played, KEYS), KEYS) == played


def test_a_script_is_one_mask_a_frame():
    assert parse_script("W:2,WD:1,-:3", KEYS) == [1, 1, 9, 0, 0, 0]
    assert parse_script(" w : 1 , dw:1 ", KEYS) == [1, 9]
    assert write_script([1, 1, 9, 0, 1], KEYS) == "W:2,WD:1,-:1,W:1"
    assert parse_script(f"W:{MOST_FRAMES}", KEYS) == [1] * MOST_FRAMES


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "cannot read '' in the key script; expected KEYS:FRAMES"),
        ("W", "cannot read 'W'"),
        ("W:", "cannot read 'W:'"),
        (":5", "cannot read ':5'"),
        ("W:0", "cannot read 'W:0'"),
        ("W:-3", "cannot read 'W:-3'"),
        ("W:1.5", "cannot read 'W:1.5'"),
        ("W:5,", "cannot read ''"),
        ("W-:5", "cannot read 'W-:5'"),
        ("W:5;D:5", "cannot read 'W:5;D:5'"),
        ("W:5,X:5", "unknown key 'X'; this world knows W S A D L R and - for nothing"),
        ("W:9999999", "cannot read 'W:9999999'"),
        (f"W:{MOST_FRAMES + 1}", f"longer than {MOST_FRAMES} frames"),
        (",".join(["W:999"] * 109), f"longer than {MOST_FRAMES} frames"),
    ],
)
def test_bad_scripts_are_told_in_a_sentence(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_script(text, KEYS)


@pytest.mark.parametrize("mask", [-1, 64, 1 << 40])
def test_masks_out_of_range_are_told_in_a_sentence(mask):
    with pytest.raises(ValueError, match=rf"an action must be in 0\.\.63, got {mask}"):
        to_bits(mask, KEYS)
    with pytest.raises(ValueError, match=r"an action must be in 0\.\.63"):
        tiny_world().action(mask)


def test_a_key_table_is_checked():
    with pytest.raises(ValidationError, match="color"):
        Key(name="W", codes=("KeyW",), color="red")
    with pytest.raises(ValidationError, match="codes"):
        Key(name="W")


def test_one_mask_is_one_condition():
    world = tiny_world()
    assert world.action(9) is world.action(9)
    assert world.action(9).mask == 9
    assert world.action(9).keys.tolist() == [[1, 0, 0, 1, 0, 0]]
    assert world.action(9).with_null().keys.tolist() == [[1, 0, 0, 1, 0, 0], [-1] * 6]
