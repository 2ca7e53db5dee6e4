"""The stack's own Kafka: one node, broker and controller at once, on loopback."""

import os
from collections.abc import Callable
from pathlib import Path

import psutil

from evenscreen.infra.local import jars, kafka_classes, ports, process
from evenscreen.infra.local.kafka_config import Node
from evenscreen.infra.local.kafka_node import STOP_TIMEOUT_S, format_folder, launch
from evenscreen.infra.local.state import State
from evenscreen.schemas.settings import KafkaSettings

__all__ = ["STOP_TIMEOUT_S", "running", "settings", "start"]


def running(state: State) -> psutil.Process | None:
    """The live broker of this state folder, or None."""
    return process.running(_pid_file(state))


def settings(state: State) -> KafkaSettings:
    """How to reach the broker that the last start left here."""
    port = ports.recorded(_ports_file(state), "broker")
    return KafkaSettings(kafka=f"127.0.0.1:{port}", kafka_security_protocol="PLAINTEXT")


def start(state: State, word: Callable[[str], None]) -> psutil.Process:
    """Start the broker on the ports it had, if they are free; format its folder the first time.

    Returns as soon as it accepts connections; `topics.ensure` then proves that it answers. Raises `Fatal`
    when it ends instead, with the path of its log.
    """
    classpath = os.pathsep.join(map(str, jars.fetched(word=word)))
    flags = kafka_classes.flags(classpath, word)
    word("starting")
    chosen = ports.settled(_ports_file(state), ("broker", "controller"))
    node, log = Node(state.kafka), state.log("kafka")
    node.configure(**chosen)
    format_folder(node, classpath, log, *flags)
    return launch(node, classpath, log, *flags, port=chosen["broker"], pid_file=_pid_file(state))


def _pid_file(state: State) -> Path:
    return state.kafka / "pid"


def _ports_file(state: State) -> Path:
    return state.kafka / "ports.json"
