"""Actors on the machines of a Ray cluster: who has room, who is gone, what to let go of.

The actors belong to this process and go with it; Ray starts one that died anew.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import pickle
import socket
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from app.cluster.actor import EngineActor, Said

ASIDE, MOST_ASIDE = "aside", 4
"""Calls that do not wait until streams have had their turn, and how many run at once."""
STORE = 2**28
"""Bytes of Ray's store where this process starts it: nothing is kept there, files pass through."""
PATIENCE, LOOKS = 300.0, 0.2
"""Seconds that are waited for an actor, at the start and where all are gone; between two looks."""
SILENCE = 60.0
"""Seconds without an answer after which an actor is stuck; `PATIENCE` where nobody's turn waits."""
KNOCK = 10.0
"""Seconds that are waited for a cluster's address to answer."""
GONE = "no machine of the cluster answers; try again in a minute"
T = TypeVar("T")
log = logging.getLogger(__name__)


class Lost(Exception):
    """An actor is gone, and what it held."""


def answer(reference: Any) -> Said:
    """Wait for an actor's answer; raise the error it brings, and Lost where none is to come.

    An error and the frames of whoever raised it hold each other, and through them all callers: who
    leaves would stay until the garbage is collected.
    """
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        said = pickle.loads(ray.get(reference))
    except RayTaskError:  # our own mistake
        raise
    except RayError as error:
        error.__traceback__ = None
        raise Lost(str(error).splitlines()[0]) from None
    try:
        if isinstance(said.value, RuntimeError):
            log.error("an actor failed: %s", said.value)
        if said.word == "failed":
            raise said.value
        return said
    finally:
        del said


class Actor:
    """One of Ray's actors, as this process knows it."""

    def __init__(self, handle: Any) -> None:
        self.load = 0.0
        """What visitors have in it."""
        self.cards: dict[str, Any] = {}
        """A card for each world, once its models are loaded."""
        self.failure: ValueError | None = None
        """Why they cannot be."""
        self._handle = handle
        self._loading: Any = None  # until they are
        self._await()

    def do(self, method: str, *arguments: Any, aside: bool = False) -> Said:
        """Have it answer; raise Lost where it is gone or stuck, and what it says has failed."""
        import ray

        if not self.ready:  # begun anew: it would load its models before it answers
            raise Lost("it is gone")
        call = getattr(self._handle, method)
        call = call.options(concurrency_group=ASIDE) if aside else call
        reference = call.remote(*arguments)
        try:
            if not ray.wait([reference], timeout=PATIENCE if aside else SILENCE)[0]:
                ray.kill(self._handle, no_restart=False)
                raise Lost("it was stuck")
            said = answer(reference)
        except Lost as error:
            log.warning("an actor is gone: %s", str(error))  # a log may keep what it is given
            self._await()
            raise
        if said.word == "lost":
            if said.value:
                self._await()
            raise Lost("another one knew that")
        return said

    def _await(self) -> None:
        self._loading = self._handle.load.remote()

    @property
    def ready(self) -> bool:
        """Whether its models are loaded; asked again, it asks an actor that was away again."""
        import ray

        loading = self._loading
        if loading is not None and ray.wait([loading], timeout=0)[0]:
            try:
                self.cards, self._loading = answer(loading).value, None
            except Lost:
                self._await()
            except ValueError as error:
                self.failure = error
        return self._loading is None

    def drop(self, number: int) -> None:
        """Have it let go of something."""
        import ray

        if ray.is_initialized():  # else Ray would look for a cluster, at the very end
            self._handle.drop.remote(number)


class Hold:
    """Something of a visitor's in an actor, which lets go of it when nobody has this any more."""

    def __init__(self, pool: Pool, actor: Actor, weight: float = 0.0) -> None:
        self.actor, self._pool = actor, pool
        self.number = next(pool.numbers)
        pool.weigh(actor, weight)
        weakref.finalize(self, pool.gone.put, (actor, self.number, weight)).atexit = False

    def beside(self) -> Hold:
        """Return room for one more thing in the same actor."""
        return Hold(self._pool, self.actor)

    def begin(self, what: str, *arguments: Any, aside: bool = False) -> Said:
        """Begin a talk."""
        return self.actor.do("begin", self.number, what, pickle.dumps(arguments), aside=aside)

    def go_on(self, answer: Any, *, aside: bool = False) -> Said:
        """Go on with it."""
        return self.actor.do("go_on", self.number, pickle.dumps(answer), aside=aside)

    def call(self, method: str, *arguments: Any, aside: bool = False, **named: Any) -> Any:
        """Have a dream do something; return what comes of it, and where the dream stands then."""
        packed = pickle.dumps((arguments, named))
        return self.actor.do("call", self.number, method, packed, aside=aside).value


class Pool:
    """All actors; those with the least to do are given more."""

    def __init__(
        self, address: str, checkpoints: Path, device: str | None = None, actors: int | None = None
    ) -> None:
        """Join the cluster at an address, "auto" for the one of this machine, or start a "local"
        one, and begin so many actors: one for each GPU, or for each core where there is none.

        Raises ValueError where that cannot be. Their models are loaded meanwhile, see `wait`.
        """
        self._lock = threading.Lock()
        self.numbers, self.gone = itertools.count(1), SimpleQueue[tuple[Actor, int, float]]()
        handles = Future[list[Any]]()

        def stay() -> None:
            """Start Ray in a thread that never ends: Linux ends Ray's servers with theirs."""
            try:
                handles.set_result(start(address, checkpoints, device, actors))
            except Exception as error:
                handles.set_exception(error)
            else:
                self._let_go()

        threading.Thread(target=stay, name="let-go", daemon=True).start()
        self.actors = [Actor(handle) for handle in handles.result()]
        self.cards: dict[str, Any] = {}
        """A card for each world, once an actor has loaded them."""

    def wait(self) -> None:
        """Wait until an actor has loaded its models; raise ValueError where none can."""
        began = time.monotonic()
        self.cards = self._first().cards
        ready = sum(actor.ready for actor in self.actors)
        seconds = time.monotonic() - began
        log.info("ready after %.0f s: %d of %d actors", seconds, ready, len(self))

    def __len__(self) -> int:
        return len(self.actors)

    def begin(
        self, weight: float, what: str, *arguments: Any, aside: bool = False
    ) -> tuple[Hold, Said]:
        """Begin a talk where there is most room; return it with what it says first."""

        def begin() -> tuple[Hold, Said]:
            hold = Hold(self, self._first(), weight)
            return hold, hold.begin(what, *arguments, aside=aside)

        return self.insist(begin)

    def ask(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of an engine, whichever."""
        packed = pickle.dumps((arguments, named))
        return self.insist(lambda: self._first().do("call", 0, method, packed, aside=True).value[0])

    def insist(self, do: Callable[[], T], again: Callable[[], None] = lambda: None) -> T:
        """Do it as often as it takes while actors are lost, and `again` each time they are.

        Raises ValueError where it was more often than there are actors.
        """
        for _ in range(len(self) + 1):
            try:
                return do()
            except Lost:
                again()
        raise ValueError(GONE)

    def weigh(self, actor: Actor, weight: float) -> None:
        """Note that an actor has more to do, or less."""
        with self._lock:
            actor.load += weight

    def _first(self) -> Actor:
        """Return an actor with the least to do; wait where there is none, which is rare."""
        until = time.monotonic() + PATIENCE
        while not (ready := [actor for actor in self.actors if actor.ready]):
            failures = [actor.failure for actor in self.actors if actor.failure]
            if len(failures) == len(self):
                raise failures[0]
            if time.monotonic() > until:
                raise ValueError(GONE)
            time.sleep(LOOKS)
        return min(ready, key=lambda actor: actor.load)

    def _let_go(self) -> None:
        """Pass on what nobody has any more: a finalizer may run anywhere, also inside of Ray."""
        while True:
            actor, number, weight = self.gone.get()
            self.weigh(actor, -weight)
            with contextlib.suppress(Exception):  # an actor that is gone holds nothing
                actor.drop(number)


def start(address: str, checkpoints: Path, device: str | None, count: int | None) -> list[Any]:
    """Join or start a cluster and begin actors there; raise ValueError where that cannot be."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # else Ray tells its makers what runs here
    os.environ["RAY_DISABLE_FAILURE_SIGNAL_HANDLER"] = "1"  # else it prints its stack at SIGTERM
    if address == "local":  # with Ray's own 15, other programs would leave them nothing
        os.environ.setdefault("RAY_worker_niceness", "5")
    else:  # ray start notes its cluster there, not in a folder of ours
        os.environ.setdefault("RAY_TMPDIR", "/tmp")
    import ray

    here: dict[str, Any] = {
        "num_cpus": count,
        "object_store_memory": STORE,
        "include_dashboard": False,
    }
    try:
        if ":" in address:  # Ray would try for minutes
            host, _, port = address.removeprefix("ray://").rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), KNOCK).close()
        ray.init(
            address,
            logging_level=logging.ERROR,
            log_to_driver=False,  # what fails in an actor is told to whoever asked
            **here if address == "local" else {},
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"no Ray cluster can be had at {address!r}; start one with ray start --head, or let"
            " --cluster local do it"
        ) from error
    free = ray.available_resources()
    without = (device or "").startswith("cpu")
    cores, gpus = int(free.get("CPU", 0)), 0 if without else int(free.get("GPU", 0))
    if (device or "").startswith("cuda") and not gpus:
        raise ValueError(
            "the cluster has no GPU to spare; add a machine with ray start, or leave out --device"
        )
    if not (count := count or gpus or cores):
        raise ValueError("the cluster has no core to spare; add a machine with ray start")
    log.info("starting %d actors on %d cores and %d GPUs", count, cores, gpus)
    make = ray.remote(
        num_cpus=1 if cores else 0,
        num_gpus=1 if gpus else 0,
        max_restarts=-1,
        concurrency_groups={ASIDE: MOST_ASIDE},
    )(EngineActor)
    return [make.remote(str(checkpoints.absolute()), device) for _ in range(count)]
