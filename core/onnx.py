"""Networks that run on onnxruntime, which is kept from reporting what it runs."""

from __future__ import annotations

import os
from typing import Any


def open_network(network: str | bytes, threads: int) -> Any:
    """Return a session of an ONNX file, by path or content; raises whatever onnxruntime raises."""
    # else, from 1.29 on, it keeps an id on the disk and tells Microsoft of every session; it looks
    # once, when it is imported
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    # threads that spin between pictures would take the core from the video's decoder
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
