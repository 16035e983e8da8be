"""The migrations: each can be taken back, together they make what `tables.py` says, and every name is by the rule."""

import asyncio
from collections.abc import Sequence

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import URL, text

from adapters.persistence.engine import create_engine
from adapters.persistence.failures import REFUSAL_BY_CONSTRAINT
from adapters.persistence.tables import metadata
from tests.conftest import PYPROJECT, alembic_config

SCRIPTS = ScriptDirectory.from_config(alembic_config(URL.create("postgresql+asyncpg")))
REVISIONS = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]

COLUMNS = """
    SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' ||
           coalesce(column_default, identity_generation, '')
      FROM information_schema.columns WHERE table_schema = 'public'
"""
CONSTRAINTS = """
    SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""
TABLES = """
    SELECT relname FROM pg_class
     WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
NAMES = """
    SELECT i.indrelid::regclass::text, c.relname,
           CASE WHEN i.indisprimary THEN 'pk' WHEN i.indisunique THEN 'uq' ELSE 'ix' END,
           array(SELECT attname::text FROM pg_attribute
                  WHERE attrelid = i.indrelid AND attnum = ANY (i.indkey)
                  ORDER BY array_position(i.indkey::int2[], attnum)),
           i.indpred IS NOT NULL
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE c.relnamespace = 'public'::regnamespace AND i.indrelid <> 'alembic_version'::regclass
"""
OTHER_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, contype::text FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass AND contype IN ('c', 'f')
"""


async def rows_of(url: URL, query: str) -> Sequence[tuple[object, ...]]:
    engine = create_engine(url, pool_size=1)
    async with engine.connect() as connection:
        rows = (await connection.execute(text(query))).all()
    await engine.dispose()
    return [tuple(row) for row in rows]


async def shape_of(url: URL) -> set[str]:
    """Every column, constraint and index of the database, in words."""
    without_alembics = "EXCEPT SELECT '' WHERE false"
    parts = [await rows_of(url, f"{query} {without_alembics}") for query in (COLUMNS, CONSTRAINTS, INDEXES)]
    return {str(row[0]) for part in parts for row in part if "alembic_version" not in str(row[0])}


async def test_there_is_one_line_of_revisions_from_nothing_to_head() -> None:
    assert SCRIPTS.get_bases() == REVISIONS[:1]
    assert SCRIPTS.get_heads() == REVISIONS[-1:]


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_revision_goes_up_and_down_and_up_again(empty_database_url: URL, revision: str) -> None:
    config = alembic_config(empty_database_url)
    before = SCRIPTS.get_revision(revision).down_revision
    if before is not None:
        await asyncio.to_thread(command.upgrade, config, str(before))
    shape_before = await shape_of(empty_database_url)
    await asyncio.to_thread(command.upgrade, config, revision)
    shape_after = await shape_of(empty_database_url)
    await asyncio.to_thread(command.downgrade, config, str(before or "base"))
    assert await shape_of(empty_database_url) == shape_before
    await asyncio.to_thread(command.upgrade, config, revision)
    assert await shape_of(empty_database_url) == shape_after
    assert shape_after


async def test_the_migrations_make_the_tables_that_the_code_knows(database_url: URL) -> None:
    await asyncio.to_thread(command.check, alembic_config(database_url))
    found = await rows_of(database_url, TABLES)
    assert {row[0] for row in found} == {*metadata.tables, "alembic_version"}


async def test_every_index_and_unique_constraint_is_named_by_the_rule(database_url: URL) -> None:
    """Such as `ix_orders_placed_at_id`; a partial index may say what it is for instead: `ix_orders_queued`."""
    found = await rows_of(database_url, NAMES)
    for table, name, kind, columns, partial in found:
        by_rule = f"{kind}_{table}" if kind == "pk" else f"{kind}_{table}_{'_'.join(map(str, columns or ()))}"  # type: ignore[call-overload]  # alchemy says object
        assert name == by_rule or (partial and kind == "ix" and str(name).startswith(f"ix_{table}_"))
    assert len(found) > len(metadata.tables)


async def test_every_check_and_foreign_key_is_named_by_the_rule(database_url: URL) -> None:
    for table, name, kind in await rows_of(database_url, OTHER_CONSTRAINTS):
        assert str(name).startswith(f"ck_{table}_" if kind == "c" else f"fk_{table}_")


async def test_every_constraint_that_means_a_refusal_exists(database_url: URL) -> None:
    """Else the refusal could never be told from a fault."""
    unique = {name for _, name, kind, _, _ in await rows_of(database_url, NAMES) if kind in {"pk", "uq"}}
    assert set(REFUSAL_BY_CONSTRAINT) <= unique


def test_the_migrations_are_found_from_the_projects_own_file() -> None:
    assert str(PYPROJECT.parent / "migrations") == SCRIPTS.dir
