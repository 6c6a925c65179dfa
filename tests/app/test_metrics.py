"""The metrics: for those who know the token, in Prometheus' format."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.metrics import KIND, Look, exposition, metrics_routes
from tests.support.server import record, wait_for
from tests.support.visitors import IDS, START, MotionPage, WorldPage

TOKEN = "wörd of 20 letters"
ADDRESS = "/livestep/metrics"


@pytest.fixture
def ask(lobby, exports):
    client = TestClient(Starlette(routes=metrics_routes(lobby, exports, TOKEN)))

    def get(token: str | None):
        told = {} if token is None else {"authorization": f"Bearer {token}".encode()}
        return client.get(ADDRESS, headers=told)

    return get


def figures(reply) -> dict[str, float]:
    """Read the exposition; every line has to be one."""
    assert (reply.status_code, reply.headers["content-type"]) == (200, KIND)
    found = {}
    lines = iter(reply.text.splitlines())
    for about in lines:
        assert re.fullmatch(r"# HELP (livestep_[a-z_]+) [A-Z].*\.", about)
        line = next(lines)
        assert line.split()[2] == about.split()[2]
        kind = re.fullmatch(r"# TYPE (livestep_[a-z_]+) (counter|gauge)", line)
        name, value = next(lines).split(" ")
        assert kind
        assert name == kind[1]
        assert name.endswith("_total") == (kind[2] == "counter")
        found[name.removeprefix("livestep_")] = float(value)
    return found


def test_without_a_token_there_are_none(client):
    assert client.get(ADDRESS).status_code == 404
    assert client.get(ADDRESS, headers={"authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("token", [None, "", TOKEN[:-1], f"{TOKEN} ", "\xff", "x" * 5000])
def test_without_the_token_there_are_none(ask, token):
    reply = ask(token)
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert reply.json() == {
        "message": "Metrics are for those who send the token: Authorization: Bearer."
    }


def test_they_say_how_the_server_is_doing(ask, client, exports):
    before = figures(ask(TOKEN))
    assert before["visitors_motion"] == before["exports_made_total"] == 0
    assert before["memory_bytes"] > 2**24
    session = record(client)
    wishes = {"format": "bvh", "fps": 20, "body": "neutral", "start": 0, "end": 20}
    wait_for(client, session, client.post(f"/livestep/export/{session}", json=wishes).json())

    def fail(path, tell):
        raise ValueError("There is no such thing.")

    with pytest.raises(ValueError, match="no such thing"):
        exports.wait(exports.submit("", "a.bvh", fail), 10)
    after = figures(ask(TOKEN))
    assert (after["exports_made_total"], after["exports_failed_total"]) == (1, 1)
    assert after["uptime_seconds"] > before["uptime_seconds"]
    assert after["cpu_seconds_total"] >= before["cpu_seconds_total"]
    assert 0 <= after["event_loop_delay_seconds"] < 5


def test_they_count_who_is_here(make_lobby, exports):
    lobby = make_lobby(moving=1)
    pages = [MotionPage(lobby, name) for name in IDS[:3]]
    for page in pages[:2]:
        page.visitor.start(START)
    pages[0].play(8)
    text = exposition(Look(lobby=lobby, exports=exports, uptime=1e-7, delay=0))
    for line in ("visitors 3.0", "moving 1.0", "waiting 1.0", "uptime_seconds 1e-07"):
        assert f"\nlivestep_{line}\n" in text
    assert text.startswith(
        "# HELP livestep_visitors Pages that are open, each counted once.\n"
        "# TYPE livestep_visitors gauge\n"
    )
    assert lobby.made["poses"] >= 8


def test_a_page_that_shows_several_tabs_is_one_visitor(make_lobby, exports):
    lobby = make_lobby()
    pages = [kind(lobby, IDS[3]) for kind in (MotionPage, WorldPage)]
    pages.append(WorldPage(lobby, IDS[4]))
    text = exposition(Look(lobby=lobby, exports=exports, uptime=1, delay=0))
    for line in ("visitors 2.0", "visitors_motion 1.0", "visitors_world 2.0", "remembered 2.0"):
        assert f"\nlivestep_{line}\n" in text
