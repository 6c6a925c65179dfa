"""In place of the package `spaces`, where there is no ZeroGPU: its decorator, but for the GPU.

As there: the function runs in a thread of a process forked from this one, arguments and result are
pickled, and of an exception that is none of Gradio's nothing but the class comes back.
"""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any

import gradio as gr

decorated: list[Callable[..., Any]] = []
processes: list[int | None] = []


def GPU(task: Callable[..., Any]) -> Callable[..., Any]:
    decorated.append(task)

    @wraps(task)
    def call(*args: Any) -> Any:
        context = multiprocessing.get_context("fork")
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(task, there), daemon=True)
        process.start()
        processes.append(process.pid)
        here.send_bytes(pickle.dumps(args))
        result = pickle.loads(here.recv_bytes())
        process.join()
        if isinstance(result, gr.Error):
            raise result
        if isinstance(result, Exception):
            raise gr.Error(type(result).__name__)
        return result

    return call


def _work(task: Callable[..., Any], pipe: Any) -> None:
    args = pickle.loads(pipe.recv_bytes())
    with ThreadPoolExecutor() as pool:
        done = pool.submit(task, *args)
    pipe.send_bytes(pickle.dumps(done.exception() or done.result()))
