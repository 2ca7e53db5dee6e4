"""Child processes that outlive the command that started them."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from evenscreen.infra.local.state import write_private

# A child that dies while its parent lives has to be reaped by it, so the handles are kept.
_children: list[subprocess.Popen[bytes]] = []


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    pid_file: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: int | None = None,
    group: int | None = None,
) -> psutil.Process:
    """Start `argv` in a session of its own, output appended to `log`, and remember it in `pid_file`."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            env=None if env is None else {**os.environ, **env},
            cwd="/",
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )
    finally:
        os.close(descriptor)
    # Those that died by another hand have told nobody: an unread end is a warning when Python exits.
    _children[:] = [one for one in _children if one.poll() is None]
    _children.append(child)
    if pid_file is not None:
        write_private(pid_file, json.dumps({"pid": child.pid, "argv": list(argv)}).encode())
    return psutil.Process(child.pid)


def running(pid_file: Path) -> psutil.Process | None:
    """The live process of `pid_file`, or None.

    The pid must still run the very command line that was started. It names the state folder, so a reused
    pid is never taken for ours, and neither a reboot nor a stepping clock confuses it as a start time would.
    """
    if not pid_file.exists():
        return None
    record = json.loads(pid_file.read_bytes())
    try:
        process = psutil.Process(record["pid"])
        return process if alive(process) and process.cmdline() == record["argv"] else None
    except psutil.Error:
        return None


def alive(process: psutil.Process) -> bool:
    """Whether it runs; one that has died but was not yet reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop(
    process: psutil.Process,
    *,
    timeout_s: float,
    word: Callable[[str], None],
    gently: signal.Signals = signal.SIGTERM,
) -> None:
    """Ask `process` to end; after `timeout_s` end it with SIGKILL and say so. Returns once it is gone."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(gently)
        if not _gone(process, timeout_s):
            word(
                f"did not end within {timeout_s:.0f} s and was killed; its data is recovered at the next `up`"
            )
            process.kill()
            _gone(process, timeout_s)


def _gone(process: psutil.Process, timeout_s: float) -> bool:
    """Whether it ended in time. A container may leave the dead unreaped: they count as gone."""
    child = next((child for child in _children if child.pid == process.pid), None)
    deadline = time.monotonic() + timeout_s
    while alive(process) if child is None else child.poll() is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    if child is not None:
        _children.remove(child)
    return True
