"""What one address may have: files that are announced, requests that stand in line."""

from __future__ import annotations

import asyncio

import pytest

from app.live.shares import SMALL, Turns, address_of, lacking

MOST = 2**30
LARGE = 2**26


@pytest.mark.parametrize(
    ("host", "whose"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_household_is_one_address(host, whose):
    assert address_of((host, 1)) == whose
    assert address_of(None) == ""


def test_announcements_of_one_address_leave_room_for_others():
    coming: list[tuple[str, int]] = []
    for _ in range(4):
        assert not lacking(coming, LARGE, "a", kept=0, most=MOST)
        coming.append(("a", LARGE))
    with pytest.raises(ValueError, match="network"):
        lacking(coming, LARGE, "a", kept=0, most=MOST)
    assert not lacking(coming, LARGE, "b", kept=0, most=MOST)
    assert not lacking(coming, 1000, "a", kept=0, most=MOST)  # small ones are counted apart
    assert lacking(coming, LARGE, "b", kept=MOST - 5 * LARGE, most=MOST) == MOST // 8
    assert not lacking(coming, SMALL, "b", kept=MOST - 5 * LARGE, most=MOST)


def test_addresses_take_turns():
    served: list[str] = []

    async def crowd():
        turns, go = Turns(1, waiting=3), asyncio.Event()

        async def one(address: str):
            async with turns.turn(address):
                await go.wait()
                served.append(address)

        tasks = [asyncio.create_task(one(address)) for address in "aaab"]
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="too many requests"):
            await one("a")
        go.set()
        await asyncio.gather(*tasks)
        assert not turns._waiting
        assert not turns._own

    asyncio.run(crowd())
    assert served == ["a", "b", "a", "a"]
