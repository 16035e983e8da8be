"""A short form of `python -m tests.schema`: the same every time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.embedded.postgres import EmbeddedPostgres
from tests.schema.campaign import Campaign

SEED = 20261124


@pytest.fixture
async def campaign(tmp_path: Path) -> AsyncIterator[Campaign]:
    campaign = Campaign(tmp_path)
    try:
        await campaign.start()
        yield campaign
    finally:
        campaign.stop()
        EmbeddedPostgres(tmp_path / "var" / "postgres").remove()


async def test_what_the_description_says_holds(campaign: Campaign) -> None:
    found = await campaign.run(
        roles=["ann", "operator"], seed=SEED, examples=3, arguments=["--generation-deterministic"]
    )

    assert found.cases > 500
    assert not found.failures
    assert found.server_errors == 0
