"""Start the page: python app.py. Parse flags, build, launch; nothing else."""

from __future__ import annotations

import atexit
import errno
import importlib.util
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from app.hosting import Hosting, brief_logs
from app.live.sharing import Limits
from app.memory import gather_files, tame_allocator
from core.settings import CHECKPOINTS, split_device

if TYPE_CHECKING:
    from app.cluster.pool import Pool

ON_SPACES = "SPACE_ID" in os.environ
SPACE = f"https://huggingface.co https://{os.environ.get('SPACE_HOST', 'huggingface.co')}"
"""Who shows a Space's page, and what it is called."""
PATIENCE = 7.0
"""Seconds after SIGTERM at which it ends at the latest: Docker kills after 10."""
status = 1
"""What the process ends with."""
FOLDER = Path(os.path.relpath(CHECKPOINTS))
"""Of checkpoints, as it is called from where the app is started."""


def trouble(host: str, port: int) -> str:
    """Say in a sentence why nothing can listen there; empty where something can."""
    if not 0 < port < 2**16:
        return f"port must be in 1..65535, got {port}"
    name = host.strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    try:
        socket.create_server((name, port), family=family).close()
        socket.create_server(("127.0.0.1", port)).close()  # Gradio wants it, too
    except (OSError, UnicodeError) as error:
        code = getattr(error, "errno", None)
        if code == errno.EADDRINUSE:
            return f"port {port} is in use; choose another with --port"
        if code == errno.EACCES:
            return f"port {port} is for administrators; choose one from 1024 on with --port"
        return (
            f"{host} is no address of this machine; with --host, 127.0.0.1 listens to this machine"
            " only and 0.0.0.0 to others, too"
        )
    return ""


def refuse(why: str) -> NoReturn:
    """Say why it does not start."""
    typer.echo(f"error: {why}", err=True)
    raise typer.Exit(2)


def end(folder: Path, number: int, frame: FrameType | None) -> None:
    """End as Ctrl+C does, but in time, whatever is still being computed: visitors' files go."""

    def leave() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    last = threading.Timer(PATIENCE, leave)
    last.daemon = True
    last.start()
    signal.default_int_handler(number, frame)


def lacking(checkpoints: Path, device: str | None) -> str:
    """Say in a sentence what it cannot do without; empty where all is there."""
    if not any(checkpoints.glob("*/config.json")):
        return (
            f"there are no checkpoints in {checkpoints}; name their folder with --checkpoints (the"
            " README says how to get or train some)"
        )
    if device is not None and device.startswith("cuda"):
        from core.device import pick_device  # late: brings PyTorch with it

        try:
            pick_device(device)
        except ValueError as error:
            return str(error)
    return ""


def join(cluster: str, checkpoints: Path, device: str | None, folder: Path) -> Pool:
    """Begin actors in a cluster, which load their models by themselves."""
    from app.cluster.pool import Pool

    try:
        return Pool(cluster, checkpoints, device)
    except ValueError as error:
        shutil.rmtree(folder, ignore_errors=True)
        refuse(str(error))


def put_on_space(name: str, hardware: str) -> None:
    """Put the clone on a Space and say where."""
    from app.space import deploy

    print(f"Putting Livestep on the Space {name} ...", flush=True)
    try:
        print(f"The Space is being built: {deploy(name, hardware)}")
    except ValueError as error:
        refuse(str(error))


def main(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = (
        "0.0.0.0" if ON_SPACES else "127.0.0.1"
    ),
    port: Annotated[  # Kubernetes sets LIVESTEP_PORT to an address, for a service called livestep
        int, typer.Option(help="Port to listen on.", allow_from_autoenv=False)
    ] = 7860,
    checkpoints: Annotated[Path, typer.Option(help="Folder of checkpoints.")] = FOLDER,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, or cpu:fp32, cpu:bf16, cpu:int8.")
    ] = None,
    max_sessions: Annotated[
        int | None,
        typer.Option(min=1, help="Bodies moving at once; by default, as many as it can."),
    ] = None,
    max_players: Annotated[
        int | None, typer.Option(min=1, help="Worlds played at once; likewise.")
    ] = None,
    max_followed: Annotated[
        int | None, typer.Option(min=1, help="Videos followed at once; likewise.")
    ] = None,
    forget_minutes: Annotated[
        float, typer.Option(min=0.1, help="How long a take waits for its page to come back.")
    ] = Limits.forget_seconds / 60,
    cluster: Annotated[
        str,
        typer.Option(
            metavar="auto|local|ADDRESS",
            help="Compute in a Ray cluster: join the one that this machine is part of, start one"
            " here, or join the one at an address.",
        ),
    ] = "",
    sites: Annotated[
        str,
        typer.Option(
            help="Other sites that may show the page in a frame, or use it from theirs; * for all."
        ),
    ] = SPACE if ON_SPACES else "",
    proxies: Annotated[
        str,
        typer.Option(
            envvar=["LIVESTEP_PROXIES", "FORWARDED_ALLOW_IPS"],
            help="Addresses of proxies that say whom they ask for: what they forward counts.",
        ),
    ] = "*" if ON_SPACES else "",
    truth: Annotated[
        bool, typer.Option(help="Offer to show the real engine beside a world (needs vizdoom).")
    ] = False,
    keep_nothing: Annotated[
        bool, typer.Option(help="Hold visitors' files in memory; nothing of theirs meets a disk.")
    ] = False,
    mcp: Annotated[
        bool, typer.Option(help="Offer tools to language models, by the Model Context Protocol.")
    ] = False,
    metrics_token: Annotated[
        str,
        typer.Option(metavar="TOKEN", help="Show /livestep/metrics to those who send this token."),
    ] = "",
    deploy: Annotated[
        str,
        typer.Option(
            metavar="USER/NAME",
            help="Put this on a Hugging Face Space instead.",
            allow_from_autoenv=False,
        ),
    ] = "",
    hardware: Annotated[
        str,
        typer.Option(
            help="Of a new Space, as the Hub calls it; zero-a10g is a GPU lent by the call."
        ),
    ] = "cpu-basic",
) -> None:
    """Serve the Livestep page."""
    if deploy:
        return put_on_space(deploy, hardware)
    if why := trouble(host, port):
        refuse(why)
    if mcp and importlib.util.find_spec("mcp") is None:
        refuse("--mcp needs the package of the protocol: pip install 'gradio[mcp]'")
    if cluster and importlib.util.find_spec("ray") is None:
        refuse("--cluster needs Ray: pip install -r requirements-cluster.txt")
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # the server leaves it to our Doorway
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads starve the server
    try:
        split_device(device)  # loading comes later, and would only be told in the log
        if why := lacking(checkpoints, None if cluster else device):
            refuse(why)
        root = os.environ.get("GRADIO_ROOT_PATH", "")
        own = {"tools": mcp, "metrics_token": metrics_token.strip()}
        hosting = Hosting.read(root=root, sites=sites, proxies=proxies, **own)
        folder = gather_files(in_memory=keep_nothing)
        signal.signal(signal.SIGTERM, partial(end, folder))
    except ValueError as error:
        refuse(str(error))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for talkative in ("httpx", "mcp"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    brief_logs()
    tame_allocator()
    pool = join(cluster, checkpoints, device, folder) if cluster else None
    from app.exports.store import Exports
    from app.intake import Folder
    from app.live.clock import clock
    from app.live.loader import Loader
    from app.live.lobby import Lobby
    from app.ui import build, launch_options
    from app.zero import ON_ZERO

    def load():
        if pool:
            from app.cluster.engine import ClusterEngine

            return ClusterEngine(pool, checkpoints, device)
        import torch

        from core.engine import Engine

        # matrices this small gain nothing from a second core, and visitors share the cores anyway
        torch.set_num_threads(1)
        # ZeroGPU shows a GPU to everybody, and lends it to calls alone: streams cannot have it
        return Engine.load(checkpoints, device=device or ("cpu" if ON_ZERO else None))

    def real_engine(size: tuple[int, int], land: str):
        from train.worlds.doom import Truth

        return Truth(size, land=land)

    if truth and importlib.util.find_spec("vizdoom") is None:
        raise typer.BadParameter("--truth needs the ViZDoom engine: pip install vizdoom")
    loader = Loader(load, truth=real_engine if truth else None).start()
    limits = Limits(
        moving=max_sessions,
        playing=max_players,
        following=max_followed,
        forget_seconds=60 * forget_minutes,
    )
    lobby = Lobby(loader, limits).start()
    exports, gradios = Exports(), Folder(folder / "gradio")
    clock().look_after(gradios)
    page = build(lobby, exports, tools=mcp)
    print(f"Livestep is at http://{host}:{port}", flush=True)
    try:
        options = launch_options(lobby, exports, hosting, gradios)
        page.launch(server_name=host, server_port=port, **options)
    except OSError as error:  # another one has started meanwhile
        refuse(trouble(host, port) or str(error))
    finally:
        exports.close()
        lobby.close()
        shutil.rmtree(folder, ignore_errors=True)
        loader.close()


def leave() -> None:
    """End at once: requests may still compute, and PyTorch aborts where Python goes first."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    atexit.register(leave)  # the first is called last
    page = typer.Typer(add_completion=False)
    # a Space has no command line: its variable LIVESTEP_MAX_PLAYERS says what --max-players does
    page.command(context_settings={"auto_envvar_prefix": "LIVESTEP"})(main)
    try:
        page()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
