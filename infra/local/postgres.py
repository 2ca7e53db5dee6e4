"""One PostgreSQL server on loopback: own initdb, passwords for everybody, no Unix socket."""

import secrets
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg2

from evenscreen.infra.local import ports, postgres_programs, process
from evenscreen.infra.local.state import State, write_private
from evenscreen.infra.local.system_user import SystemUser
from evenscreen.schemas.errors import Fatal

START_TIMEOUT_S = 120
START_TRIES = 40
STOP_TIMEOUT_S = 30
STOP_SIGNAL = signal.SIGINT
"""`fast` shutdown: clients are disconnected. SIGTERM would wait for them without limit."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    # What is read here mostly lies in the page cache: processes that wait for a disk only cost cores.
    "io_method": "sync",
    # Statements and their values are personal data: neither may reach the server's own log.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


def running(state: State) -> psutil.Process | None:
    """The live postmaster of this folder, or None.

    PostgreSQL's own pid file is read, so that a restart through pg_ctl is seen, too. The pid must be a
    `postgres` at work in this very data folder: a reused pid is not.
    """
    data = state.postgres / "data"
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        server = psutil.Process(pid)
        ours = process.alive(server) and server.name() == "postgres" and Path(server.cwd()).samefile(data)
    except (FileNotFoundError, ValueError, psutil.Error):
        return None
    return server if ours else None


def connection(state: State, database: str = "postgres") -> "psycopg2.extensions.connection":
    """A connection of the superuser, autocommit; raises psycopg2.OperationalError."""
    try:
        opened = psycopg2.connect(
            host="127.0.0.1",
            port=port(state),
            user="postgres",
            password=state.passwords()["postgres"],
            dbname=database,
            connect_timeout=5,
        )
    except psycopg2.OperationalError as error:
        if "password authentication failed" in str(error):
            raise Fatal(
                f"{state.root / 'passwords.json'} does not hold the passwords of the database beside it: "
                "restore that file, or start anew in an empty EVENSCREEN_STATE_DIR."
            ) from None
        raise
    opened.autocommit = True
    return opened


def port(state: State) -> int | None:
    return ports.recorded(state.postgres / "ports.json", "postgres")


def answers(state: State) -> bool:
    """Whether the server that was started here answers a query now."""
    if running(state) is None:
        return False
    try:
        opened = connection(state)
    except psycopg2.OperationalError:
        return False
    opened.close()
    return True


def start(state: State, user: SystemUser) -> psutil.Process:
    """Start the server on the port it had, if that is free, after initdb the first time.

    One that already runs, recovering perhaps, is waited for. Returns once it answers a query, crash recovery
    included. Raises `Fatal` where it does not.
    """
    if (present := running(state)) is not None and _answered(state, present):
        return present
    if not user.can_reach(state.postgres):
        raise Fatal(
            f"PostgreSQL runs as the system user {user.name!r}, who may not enter {state.root}: set "
            "EVENSCREEN_STATE_DIR to a folder that everyone may enter, such as /var/lib/evenscreen."
        )
    programs = postgres_programs.folder(state.postgres, user)
    data = state.postgres / "data"
    if not (data / "PG_VERSION").exists():
        _initdb(programs, state, user)
    _forget_reused_pid(data / "postmaster.pid")
    _end_orphans(data)
    chosen = ports.settled(state.postgres / "ports.json", ("postgres",))["postgres"]
    # Children that outlived a kill -9 hold the shared memory until they have ended: hence a few tries.
    for _ in range(START_TRIES):
        server = _spawn(programs, state, user, chosen)
        if _answered(state, server):
            return server
        time.sleep(0.25)
    raise Fatal(f"PostgreSQL did not start: the reason stands at the end of {state.log('postgres')}.")


def _answered(state: State, server: psutil.Process) -> bool:
    """True once a query is answered, False when the server ends instead."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.alive(server) and time.monotonic() < deadline:
        if answers(state):
            return True
        time.sleep(0.02)
    return False


def _end_orphans(data: Path) -> None:
    """Children of a server that was killed: one in a long query would keep the next server from starting."""
    for candidate in psutil.process_iter():
        with suppress(psutil.Error, FileNotFoundError):
            if candidate.name() == "postgres" and Path(candidate.cwd()).samefile(data):
                candidate.send_signal(signal.SIGQUIT)


def _forget_reused_pid(pid_file: Path) -> None:
    """PostgreSQL refuses to start while any process of its user has the pid that a crash left behind."""
    if pid_file.exists() and psutil.pid_exists(int(pid_file.read_text().split("\n", 1)[0])):
        pid_file.unlink()


def _spawn(programs: Path, state: State, user: SystemUser, chosen: int) -> psutil.Process:
    return process.spawn(
        [str(programs / "postgres"), "-D", str(state.postgres / "data"), "-p", str(chosen)],
        log=state.log("postgres"),
        user=user.uid,
        group=user.gid,
    )


def _initdb(programs: Path, state: State, user: SystemUser) -> None:
    """Make the data folder as a whole: one that was interrupted is never taken for a database."""
    fresh = state.postgres / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    user.own(fresh)
    password = state.postgres / f"initdb-{secrets.token_hex(4)}"
    write_private(password, state.passwords()["postgres"].encode())
    user.own(password)
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    try:
        with state.log("postgres").open("ab") as log:
            done = subprocess.run(
                [
                    *(str(programs / "initdb"), "-D", str(fresh), "-U", "postgres"),
                    *("--auth=scram-sha-256", f"--pwfile={password}"),
                    *(
                        "--encoding=UTF8",
                        "--locale-provider=builtin",
                        "--builtin-locale=C.UTF-8",
                        "--locale=C",
                        *options,
                    ),
                ],
                stdout=log,
                stderr=log,
                cwd="/",
                check=False,
                user=user.uid,
                group=user.gid,
                extra_groups=None if user.uid is None else [],
            )
    finally:
        password.unlink()
    if done.returncode != 0:
        raise Fatal(f"PostgreSQL's initdb failed: the reason stands at the end of {state.log('postgres')}.")
    fresh.rename(state.postgres / "data")
