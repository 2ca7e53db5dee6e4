"""A deliberately naive worker: Faust as its documentation shows it. It loses messages; it is meant to."""

import os

import faust
from sqlalchemy import Engine

from evenscreen.pipeline.arrive import arrive
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.topics import IMAGES_ARRIVED


def make_app(engine: Engine) -> faust.App:
    """Writes one row of `arrivals` per event, and lets every error leave the agent."""
    app = faust.App(
        os.environ["EVENSCREEN_GROUP"],
        broker=f"kafka://{os.environ['EVENSCREEN_KAFKA']}",
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=6.0,
        broker_heartbeat_interval=2.0,
        broker_commit_interval=1.0,
        store="memory://",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
    )
    topic = app.topic(IMAGES_ARRIVED, value_type=bytes, value_serializer="raw")

    @app.agent(topic)
    async def store(stream: faust.StreamT[bytes]) -> None:
        async for values in stream.take(8, within=0.1):
            with transaction(engine) as connection:
                arrive(connection, [ImageArrived.model_validate_json(value) for value in values], "naive")

    return app


if __name__ == "__main__":
    database = open_database(os.environ["EVENSCREEN_DATABASE_URL"], application_name="naive", pool_size=1)
    faust.Worker(make_app(database), loglevel="CRITICAL").execute_from_commandline()
