"""Run one Kafka node: format its folder, launch it, wait until it accepts connections."""

import os
import secrets
import shutil
import subprocess
import time
from base64 import b64encode
from pathlib import Path

import psutil

from evenscreen.infra.local import ports, process
from evenscreen.infra.local.kafka_config import Node
from evenscreen.schemas.errors import Fatal

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30


def format_folder(node: Node, classpath: str, log: Path, *flags: str) -> None:
    """Give the node its identity, unless it has one. Raises `Fatal` with the path of the log."""
    # Formatting writes meta.properties last, so a folder without it was never in use.
    if (node.data / "meta.properties").exists():
        return
    shutil.rmtree(node.data, ignore_errors=True)
    cluster_id = b64encode(secrets.token_bytes(16), altchars=b"AB").decode().rstrip("=")
    with log.open("ab") as output:
        done = subprocess.run(
            [
                *node.java(*flags),
                "kafka.tools.StorageTool",
                "format",
                "-t",
                cluster_id,
                "-c",
                str(node.server),
            ],
            env={**os.environ, "CLASSPATH": classpath},
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode != 0:
        raise Fatal(f"Kafka's folder could not be formatted: the reason stands at the end of {log}.")


def launch(
    node: Node, classpath: str, log: Path, *flags: str, port: int, pid_file: Path | None = None
) -> psutil.Process:
    """Start the node; returns once it accepts connections at `port`. Raises `Fatal` when it ends instead."""
    child = process.spawn(
        [*node.java(*flags), "kafka.Kafka", str(node.server)],
        log=log,
        pid_file=pid_file,
        env={"CLASSPATH": classpath},
    )
    deadline = time.monotonic() + START_TIMEOUT_S
    while not ports.is_open(port):
        if not process.alive(child) or time.monotonic() > deadline:
            raise Fatal(f"Kafka did not start: the reason stands at the end of {log}.")
        time.sleep(0.02)
    return child
