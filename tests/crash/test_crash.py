from pathlib import Path

from adapters.embedded.postgres import EmbeddedPostgres
from tests.crash.__main__ import broken
from tests.crash.campaign import run


async def test_three_kills_cost_nothing(tmp_path: Path) -> None:
    found = await run(tmp_path, kills=3, seed=8961, clients=4)
    assert found["kills"] == 3, found
    assert found["acknowledged"] > 20, found
    assert found["acknowledged"] == found["orders"], found
    assert broken(found) == {}
    EmbeddedPostgres(tmp_path / "var" / "postgres").remove()
