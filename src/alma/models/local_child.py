"""The embedded model's process: llama.cpp's server (xllamacpp) on a loopback port, for as long as its parent lives.

    python -m alma.models.local_child --gguf FILE [--ctx N] [--slots N] [--threads N] [--prefix-dir DIR]

Prints one JSON line, `{"port": …}` or `{"error": …}`, on stdout; logs to stderr. Ends when stdin reaches its end, which
is when the parent has gone, however it went. The key that requests must carry is in ALMA_LOCAL_KEY: other users and web
pages of this machine can reach the port too.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import threading
from typing import Any
from urllib.parse import urlsplit


def main() -> None:
    """Load, listen, report, wait for the end of stdin."""
    parser = argparse.ArgumentParser(prog="python -m alma.models.local_child", description=__doc__)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--ctx", type=int, default=4096, help="context window of each slot")
    parser.add_argument("--slots", type=int, default=1, help="requests answered at the same time")
    parser.add_argument("--threads", type=int, default=0, help="0: one per physical core")
    parser.add_argument("--prefix-dir", default="", help="where slots may be kept in files")
    options = parser.parse_args()
    output = os.fdopen(os.dup(1), "w")  # llama.cpp prints to stdout as well; only the report may go to the parent
    os.dup2(2, 1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        server = _serve(options)
        port = urlsplit(str(server.listening_address)).port
    except Exception as error:  # noqa: BLE001  # whatever a foreign loader raises is the parent's to tell
        _report(output, {"error": str(error) or type(error).__name__})
        os._exit(1)
    _report(output, {"port": port})
    threading.Event().wait()


def _serve(options: argparse.Namespace) -> Any:
    # OpenMP's threads spin at every barrier. As shipped, one busy neighbour on two cores takes writing from 81 to 8
    # tokens/s; with a short spin from 71 to 28 (docs/models.md has the table). Must be set before libgomp is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    xllamacpp: Any = importlib.import_module("xllamacpp")  # 100 MB without types

    params = xllamacpp.CommonParams()
    params.model.path = options.gguf
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key] if (key := os.environ.get("ALMA_LOCAL_KEY")) else []
    params.n_ctx = options.ctx * options.slots
    params.n_parallel = options.slots
    params.cache_prompt = True
    # What slots have read is kept by Alma, in files from which all slots can be filled; a second copy is no use.
    params.cache_ram_mib = 0
    if options.prefix_dir:
        params.slot_save_path = options.prefix_dir + os.sep
    # The server looks up between two batches only: whoever writes waits that long for whoever reads, and a reader that
    # was called off goes on as long. 128 tokens are 0.4 s; longer batches read 4 % quicker (docs/models.md).
    params.n_batch = params.n_ubatch = 128
    params.endpoint_slots = True
    params.endpoint_metrics = False
    params.ui = False
    params.n_threads_http = options.slots + 4  # each answer keeps one
    params.sse_ping_interval = 15
    if options.threads:
        params.cpuparams.n_threads = options.threads
        params.cpuparams_batch.n_threads = options.threads
    return xllamacpp.Server(params)


def _leave_with_parent() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def _report(output: Any, facts: dict[str, Any]) -> None:
    output.write(json.dumps(facts) + "\n")
    output.flush()


if __name__ == "__main__":
    main()
