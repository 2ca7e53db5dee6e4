"""Versity Gateway: a real S3 server on loopback that notifies Kafka. For tests and trials, not for `up`."""

import os
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from evenscreen.infra.local import ports, process
from evenscreen.infra.local.settings import cache_dir
from evenscreen.schemas.errors import Fatal

MODULE = "github.com/versity/versitygw/cmd/versitygw"
VERSION = "v1.8.0"
BUILD_TIMEOUT_S = 900
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10


@dataclass(frozen=True)
class Versity:
    """A running gateway; the keys are random and valid for this run only."""

    endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    process: psutil.Process

    def stop(self) -> None:
        process.stop(self.process, timeout_s=STOP_TIMEOUT_S, word=lambda _: None)


def build(cache: Path | None = None) -> Path:
    """The gateway's program, built once per version with Go into the cache. Raises `Fatal` without Go."""
    folder = (cache or cache_dir()) / "go" / VERSION
    program = folder / "versitygw"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        raise Fatal("Versity Gateway is built with Go, which is not installed: apt-get install golang-go.")
    done = subprocess.run(
        [go, "install", f"{MODULE}@{VERSION}"],
        env={**os.environ, "GOBIN": str(folder)},
        capture_output=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise Fatal(f"Versity Gateway could not be built: run `go install {MODULE}@{VERSION}` to see why.")
    return program


def start(
    program: Path, directory: Path, *, brokers: str, topic: str, again: Versity | None = None
) -> Versity:
    """Serve the folders of `directory` as buckets and write every event to `topic`, which must exist.

    Metadata lives in extended attributes of the files. Logs to `versity.log` beside `directory`. Returns once
    the gateway accepts connections; raises `Fatal` where it ends instead. `again` is a gateway that ended:
    the new one takes its address and its keys, so that clients need not notice.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = int(again.endpoint.rsplit(":", 1)[1]) if again else ports.free_port()
    log = directory.with_name("versity.log")
    access_key = again.access_key if again else secrets.token_hex(10)
    secret_key = again.secret_key if again else secrets.token_urlsafe(30)
    child = process.spawn(
        [
            str(program),
            "--port",
            f"127.0.0.1:{port}",
            "--eku",
            brokers,
            "--ekt",
            topic,
            "posix",
            str(directory),
        ],
        log=log,
        env={"ROOT_ACCESS_KEY": access_key, "ROOT_SECRET_KEY": secret_key},
    )
    deadline = time.monotonic() + START_TIMEOUT_S
    while not ports.is_open(port):
        if not process.alive(child) or time.monotonic() > deadline:
            raise Fatal(f"Versity Gateway did not start: the reason stands at the end of {log}.")
        time.sleep(0.02)
    return Versity(f"http://127.0.0.1:{port}", access_key, secret_key, child)
