"""`up` and `down` of the embedded stack: Kafka, PostgreSQL and a bucket in one state folder."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from evenscreen.infra.local import reach, roles, schema, topics
from evenscreen.infra.local.reach import Reach
from evenscreen.infra.local.settings import StackSettings
from evenscreen.infra.local.state import DATABASE_LOGINS, State, write_private
from evenscreen.infra.local.system_user import system_user
from evenscreen.schemas.errors import Fatal, Transient
from evenscreen.schemas.settings import KafkaSettings
from evenscreen.schemas.topics import ALL as TOPICS

BROKER_TIMEOUT_S = 20.0

Progress = Callable[[str, str, bool], None]
"""Called with a part, what it does, and whether that is worth keeping on screen; from several threads."""


def quiet(part: str, doing: str, lasting: bool) -> None:
    """No progress at all."""


def up(settings: StackSettings, progress: Progress = quiet) -> Reach:
    """Start what is not running, migrate, make roles and topics, and write `stack.json`.

    On return every part has answered: the broker with a leader for every partition, the database with a
    query. Safe to repeat, to run twice at the same time and after any part was killed; data, passwords and,
    where they are free, ports stay. Raises `Fatal` with a sentence for the operator.
    """
    state = State(settings.root)
    state.prepare()
    with state.locked(lambda: progress("stack", "waiting for another command on this folder", False)):
        with ThreadPoolExecutor(2) as pool:
            broker = pool.submit(_kafka, settings, state, progress)
            database = pool.submit(_database, settings, state, progress)
            brokers, database_urls = broker.result(), database.result()
        found = Reach(
            kafka=brokers,
            bucket=_bucket(settings, state, progress),
            database_urls=database_urls,
            pseudonym_key_file=state.pseudonym_key_file,
        )
        write_private(state.stack_file, found.model_dump_json(indent=2).encode())
    return found


def down(settings: StackSettings, progress: Progress = quiet) -> None:
    """Stop what runs in this state folder and keep its data. No process is left on return."""
    state = State(settings.root)
    if not state.root.exists():
        return
    with (
        state.locked(lambda: progress("stack", "waiting for another command on this folder", False)),
        ThreadPoolExecutor(2) as pool,
    ):
        for stopping in [pool.submit(stop, state, progress) for stop in (_stop_kafka, _stop_postgres)]:
            stopping.result()


def _kafka(settings: StackSettings, state: State, progress: Progress) -> str:
    with _timed("kafka", progress):
        if settings.kafka is not None:
            brokers = KafkaSettings(kafka=settings.kafka)
            progress("kafka", "asking the external brokers", False)
        else:
            from evenscreen.infra.local import kafka  # the extra `local`: not needed where it is external

            if kafka.running(state) is None:
                kafka.start(state, lambda doing: progress("kafka", doing, False))
            brokers = kafka.settings(state)
        try:
            topics.ensure(brokers, TOPICS, partitions=settings.partitions, timeout_s=BROKER_TIMEOUT_S)
        except Transient as error:
            raise Fatal(
                f"Kafka at {brokers.kafka} does not answer ({error.cause}): {_hint(settings, state)}"
            ) from None
    return brokers.kafka


def _hint(settings: StackSettings, state: State) -> str:
    if settings.kafka is not None:
        return "check EVENSCREEN_KAFKA and the EVENSCREEN_KAFKA_… security settings."
    return f"see the end of {state.log('kafka')}, or run `evenscreen down` and `evenscreen up`."


def _database(settings: StackSettings, state: State, progress: Progress) -> dict[reach.Role, str]:
    with _timed("postgres", progress):
        if settings.database_url is not None:
            url = settings.database_url.get_secret_value()
            progress("postgres", "migrating the external database", False)
            schema.migrate(url)
            return dict.fromkeys(DATABASE_LOGINS, url)
        from evenscreen.infra.local import postgres

        if not postgres.answers(state):
            progress("postgres", "starting", False)
            postgres.start(state, system_user(settings.postgres_user))
        passwords = state.passwords()
        host = f"127.0.0.1:{postgres.port(state)}"
        urls = {
            name: f"postgresql://{name}:{passwords[name]}@{host}/{roles.DATABASE}" for name in DATABASE_LOGINS
        }
        with closing(postgres.connection(state)) as superuser:
            roles.ensure_owner(superuser, passwords["owner"])
            roles.ensure_database(superuser)
            progress("postgres", "migrating", False)
            schema.migrate(urls["owner"])
            roles.ensure_logins(superuser, passwords)
    return urls


def _bucket(settings: StackSettings, state: State, progress: Progress) -> str:
    with _timed("bucket", progress):
        if settings.bucket is not None:
            return settings.bucket
        state.bucket.mkdir(exist_ok=True, mode=0o700)
        return state.bucket.as_uri()


def _stop_kafka(state: State, progress: Progress) -> None:
    from evenscreen.infra.local import kafka, process

    if (broker := kafka.running(state)) is not None:
        with _timed("kafka", progress, done="stopped"):
            process.stop(
                broker, timeout_s=kafka.STOP_TIMEOUT_S, word=lambda said: progress("kafka", said, True)
            )


def _stop_postgres(state: State, progress: Progress) -> None:
    from evenscreen.infra.local import postgres, process

    if (server := postgres.running(state)) is not None:
        with _timed("postgres", progress, done="stopped"):
            process.stop(
                server,
                timeout_s=postgres.STOP_TIMEOUT_S,
                word=lambda said: progress("postgres", said, True),
                gently=postgres.STOP_SIGNAL,
            )


@contextmanager
def _timed(part: str, progress: Progress, done: str = "ready") -> Iterator[None]:
    begun = time.monotonic()
    yield
    progress(part, f"{done} after {time.monotonic() - begun:.1f} s", True)
