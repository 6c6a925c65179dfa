"""Packed products are those of the plain layers, as near as their precision allows."""

from __future__ import annotations

import json
from unittest.mock import Mock

import pytest
import torch
from torch import nn

from core.diffusion import calibration, packed
from core.diffusion.layers import FeedForward
from core.diffusion.packed import Packed, pack, tanh_gelu
from core.settings import split_device


@pytest.mark.parametrize(("precision", "within"), [("fp32", 1e-6), ("bf16", 1e-2), ("int8", 2e-2)])
@pytest.mark.parametrize("shape", [(6, 32), (2, 3, 5, 32)])
def test_products(precision, within, shape):
    torch.manual_seed(0)
    linear, x = nn.Linear(32, 48), nn.functional.silu(3 * torch.randn(shape))  # one-sided
    for layer, gelu in (linear, False), (nn.Sequential(linear, nn.GELU("tanh")), True):
        expected = layer(x)
        found = Packed(linear, precision, gelu=gelu)(x).float()
        assert found.shape == expected.shape
        assert (found - expected).norm() < within * expected.norm()


def test_float64_stays_exact():
    linear, x = nn.Linear(8, 4).double(), torch.randn(3, 8, dtype=torch.float64)
    assert torch.equal(Packed(linear)(x), linear(x))


def test_a_gelu_is_the_same_by_a_sigmoid():
    x = torch.linspace(-30, 30, 999, dtype=torch.float64)
    expected = nn.functional.gelu(x, approximate="tanh")
    assert torch.allclose(tanh_gelu(x), expected, rtol=1e-12, atol=1e-14)


def test_packing_replaces_all_layers_but_those_to_spare():
    net = nn.ModuleDict({"ffn": FeedForward(8, 16), "modulation": nn.Linear(8, 8)})
    x = torch.randn(4, 8)
    expected = net["ffn"](x)
    pack(net, spare="modulation")
    assert torch.allclose(net["ffn"](x), expected, atol=1e-6)
    assert [type(layer) for layer in net["ffn"]] == [Packed, Packed]
    assert type(net["modulation"]) is nn.Linear


def test_a_precision_is_part_of_the_device():
    assert split_device("cpu:int8") == ("cpu", "int8")
    assert split_device(None) == (None, None)
    assert split_device("cuda:1") == ("cuda:1", None)
    with pytest.raises(ValueError, match="cpu:fp32, cpu:bf16, cpu:int8, got 'cpu:int4'"):
        split_device("cpu:int4")


@pytest.mark.parametrize(
    "odd", ["", ":", "cpu:", ":int8", "CPU", " cpu", "gpu", "cpu:0", "cuda:x", "mps:int8"]
)
def test_odd_devices_get_a_sentence(odd):
    with pytest.raises(ValueError, match="device must be cpu, cuda or one of"):
        split_device(odd)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(calibration, "native_bf16", lambda device: False)
    calibration.best_precision.cache_clear()
    yield tmp_path / "livestep/speed.json"
    calibration.best_precision.cache_clear()


def timed(monkeypatch, **times):
    calibration.best_precision.cache_clear()  # as a new process
    monkeypatch.setattr(calibration, "seconds", lambda rows: times)
    return calibration.best_precision("world")


def test_what_is_fastest_is_measured_once(cache, monkeypatch):
    assert timed(monkeypatch, fp32=1.0, bf16=2.0, int8=0.9) == "fp32"  # hardly faster
    assert timed(monkeypatch, fp32=1.0, bf16=2.0, int8=0.1) == "fp32"  # remembered
    assert json.loads(cache.read_text()) == {calibration.machine(): {"world": "fp32"}}
    for broken in ("", "[]", "[" * 60_000, "[" * 70_000, '{"a": 1}', '{"a": {"world": "int4"}}'):
        cache.write_text(broken)
        assert timed(monkeypatch, fp32=1.0, bf16=2.0, int8=0.1) == "int8"


def test_where_nothing_can_be_remembered_it_is_measured_again(cache, monkeypatch):
    cache.parent.write_text("a file where the folder should be")
    assert timed(monkeypatch, fp32=1.0, bf16=2.0, int8=0.1) == "int8"
    assert timed(monkeypatch, fp32=1.0, bf16=0.1, int8=0.2) == "bf16"


@pytest.mark.parametrize("folder", ["", "here", "~nosuchuser/x"])
def test_where_there_is_no_place_to_remember_nothing_is_written(
    folder, monkeypatch, tmp_path, cache
):
    monkeypatch.setenv("XDG_CACHE_HOME", folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert timed(monkeypatch, fp32=1.0, bf16=2.0, int8=0.1) == "int8"
    written = [path.name for path in tmp_path.rglob("speed.json")]
    assert written == ([] if folder else ["speed.json"])  # in the home


def test_timing_draws_nothing_of_the_callers():
    torch.manual_seed(0)
    expected = torch.randn(1)
    torch.manual_seed(0)
    calibration.seconds(rows=2, width=16)
    assert torch.equal(torch.randn(1), expected)


def test_builds_without_packed_products_multiply_as_ever(monkeypatch):
    monkeypatch.setattr(packed, "packs", lambda: False)
    monkeypatch.setattr(packed, "_quantized", Mock(side_effect=RuntimeError("no engine")))
    linear, x = nn.Linear(8, 4), torch.randn(3, 8)
    assert torch.equal(Packed(linear)(x), linear(x))
    assert set(calibration.seconds(rows=2, width=16)) == {"fp32", "bf16"}


def test_all_precisions_are_timed():
    assert set(calibration.seconds(rows=2, width=16)) == {"fp32", "bf16", "int8"}
