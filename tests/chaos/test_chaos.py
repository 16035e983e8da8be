from pathlib import Path

from adapters.embedded.postgres import EmbeddedPostgres
from tests.chaos.__main__ import broken
from tests.chaos.campaign import run


async def test_eight_kills_cost_nothing(tmp_path: Path) -> None:
    found, killed = await run(tmp_path, orders=200, kills=8, seed=8841, clients=10, minutes=5)
    assert killed.total() == 8
    assert found["acknowledged"] >= 300
    assert broken(found) == {}
    EmbeddedPostgres(tmp_path / "postgres").remove()
