"""Fast attention of few queries to many keys on a GPU: which kernel is fastest is measured once.

A frame of a large world is a few hundred queries against ten thousand keys. The fused kernels give
each piece of queries to one processor of the GPU, so most of them would idle. To cut the keys into
pieces, too, and to put the parts together by their logsumexp (flash-decoding) keeps them busy; how
many pieces of which kernel is best depends on the GPU, the library and the shape. It is measured
as it is used, within a graph: one by one, launches of many pieces take longer than the pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor

P = ParamSpec("P")
T = TypeVar("T")
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
Kernel = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]]

MANY = 2048
"""Keys from which on it is worth measuring."""
PIECES = 2, 3, 4, 6
SHAPES = 64
"""That a function is compiled for."""
CLOSE = 0.02
"""Relative error that bf16 may make against the usual kernel."""
_chosen: dict[tuple[Hashable, ...], tuple[str, Attend]] = {}


def compiled(function: Callable[P, T], *, dynamic: bool = False) -> Callable[P, T]:
    """Return a function that is compiled for each shape it meets, or, `dynamic`, for any."""
    from torch._dynamo import config  # a second to import

    config.recompile_limit = SHAPES
    return cast(Any, torch).compile(function, dynamic=dynamic)  # which says not what it returns


def report() -> dict[str, str]:
    """Return what was chosen, by shape."""
    return {f"{key[0]} to {key[1]}": name for key, (name, _) in _chosen.items()}


def merge(parts: Tensor, logsumexp: Tensor) -> Tensor:
    """Return attention (1, H, N, K) of what pieces of the keys gave: (S, H, N, K) and (S, H, N)."""
    share = logsumexp.softmax(0)[..., None]
    return (parts.float() * share).sum(0, keepdim=True).to(parts.dtype)


def _in_pieces(
    kernel: Kernel, join: Callable[..., Tensor], q: Tensor, k: Tensor, v: Tensor, n: int
) -> Tensor:
    k, v = (x[0].reshape(len(x[0]), n, -1, x.shape[3]).transpose(0, 1) for x in (k, v))
    parts, logsumexp, *_ = kernel(q.expand(n, -1, -1, -1), k, v)
    return join(parts, logsumexp.reshape(n, *q.shape[1:3]))


def _flash(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, ...]:
    return torch.ops.aten._scaled_dot_product_flash_attention(q, k, v)


def _cudnn(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, ...]:
    return torch.ops.aten._scaled_dot_product_cudnn_attention(q.contiguous(), k, v, None, True)


def candidates(queries: Tensor, keys: Tensor, join: Callable[..., Tensor]) -> dict[str, Attend]:
    """Return ways to attend, by name."""
    found: dict[str, Attend] = {"usual": F.scaled_dot_product_attention}
    for name, kernel in {"flash": _flash, "cudnn": _cudnn}.items():
        found[name] = lambda q, k, v, kernel=kernel: kernel(q, k, v)[0]
        for n in PIECES:
            if len(queries) == 1 and keys.shape[2] % n == 0:
                found[f"{name} in {n}"] = lambda q, k, v, kernel=kernel, n=n: _in_pieces(
                    kernel, join, q, k, v, n
                )
    return found


def _milliseconds(work: Callable[[], Tensor], calls: int = 10) -> float:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        for _ in range(calls):
            work()
    graph.replay()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    graph.replay()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / calls


def attend(q: Tensor, k: Tensor, v: Tensor, join: Callable[..., Tensor] = merge) -> Tensor:
    """Return attention (B, H, N, K) to all keys (B, H, S, K), by the fastest kernel there is."""
    if not q.is_cuda or q.dtype == torch.float32 or k.shape[2] < MANY:
        return F.scaled_dot_product_attention(q, k, v)
    key = tuple(q.shape), tuple(k.shape), q.stride(), k.stride(), q.dtype, join
    if key not in _chosen:
        if torch.cuda.is_current_stream_capturing():  # nothing can be measured now
            return F.scaled_dot_product_attention(q, k, v)
        _chosen[key] = _fastest(q, k, v, join)
    return _chosen[key][1](q, k, v)


def _fastest(q: Tensor, k: Tensor, v: Tensor, join: Callable[..., Tensor]) -> tuple[str, Attend]:
    usual, times = F.scaled_dot_product_attention(q, k, v), dict[str, float]()
    ways = candidates(q, k, join)
    for name, way in ways.items():
        try:
            error = F.mse_loss(way(q, k, v).float(), usual.float())
            if error < CLOSE**2 * usual.float().square().mean():
                times[name] = _milliseconds(partial(way, q, k, v))
        except RuntimeError:  # not built in, or not for this shape
            continue
    name = min(times, key=lambda name: times[name])
    return f"{name} {times[name]:.4f} ms of {times}", ways[name]
