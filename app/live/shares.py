"""What one address may have of the server, so that all that others ask for comes through."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

SMALL = 2**20
"""Bytes of a file that waits for no large one."""
MOST_WAITING = 32
"""Requests of an address that stand in line: a class chooses its characters together."""


def address_of(client: tuple[str, int] | None) -> str:
    """Return whom shares go to: an address, or of IPv6 its /64, since every household has that."""
    host = client[0] if client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def lacking(
    coming: Iterable[tuple[str, int]], size: int, address: str, *, kept: int, most: int
) -> int:
    """Return how many bytes have to go before a file of `size` bytes may come to those `kept`.

    `coming` are addresses and sizes of what is announced. An eighth of all is for small files
    alone, and of either part an address may announce a third; raises ValueError beyond that.
    """
    coming, small = list(coming), size <= SMALL
    room = most if small else most - most // 8
    own = sum(n for whose, n in coming if whose == address and (n <= SMALL) == small)
    if own and own + size > (most // 8 if small else room) // 3:
        raise ValueError("Files of your network are still on their way; wait for them.")
    return max(kept + sum(n for _, n in coming) + size - room, 0)


class Turns:
    """Lets requests work, a few at a time, one of each address: so addresses take turns."""

    def __init__(self, at_once: int, *, waiting: int = MOST_WAITING) -> None:
        """`waiting`: requests of an address that stand in line, at most."""
        self._room, self._most = asyncio.Semaphore(at_once), waiting
        self._own: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._waiting = Counter[str]()

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait for a turn; raise ValueError where too many of the address do."""
        if self._waiting[address] >= self._most:
            raise ValueError("Your network has too many requests in line; try again in a moment.")
        own = self._own.setdefault(address, asyncio.Lock())
        self._waiting[address] += 1
        try:
            async with own, self._room:
                yield
        finally:
            self._waiting[address] -= 1
            self._waiting += Counter()  # without those who are done
