"""The demo, act by act.

Act 1  boot    Kafka, PostgreSQL and a bucket, on loopback, in a folder of their own
Act 2  cast    the folder door, the outbox relay and two screening workers
Act 3  drop    100 photographs and a few broken files arrive, about twenty a second
Act 4  kill    one worker is killed with -9 in the middle; the other takes over its share
Act 5  walk    the reconciler compares the bucket with what arrived
Act 6  end     a table in which every image is accounted for; everything is stopped
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine, text

from evenscreen.infra.demo.broken import Broken, write_broken
from evenscreen.infra.demo.cast import cast
from evenscreen.infra.demo.ending import show_ending
from evenscreen.infra.local import stack
from evenscreen.infra.local.child import Child
from evenscreen.infra.local.reach import Reach, environment
from evenscreen.infra.local.settings import StackSettings
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.pipeline.pseudonym import Pseudonymizer
from evenscreen.pipeline.store import open_stores
from evenscreen.producers.drop import drop
from evenscreen.producers.drop_plan import Drop, plan
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.settings import StoreSettings

IMAGES = Path(__file__).parent / "images"
MARK = ".evenscreen-demo"
PER_SECOND = 20
KILL_AFTER = 40
PATIENCE_S = 60.0
FINISHED = text("SELECT count(*) FROM audit_records")
PARTS = {
    "folder-door": ["watch"],
    "outbox-relay": ["worker", "outbox"],
    "worker-1": ["worker", "screening"],
    "worker-2": ["worker", "screening"],
}


@dataclass(frozen=True)
class Stage:
    """Where the demo plays."""

    console: Console
    folder: Path
    reach: Reach
    engine: Engine

    def say(self, act: str, what: str) -> None:
        self.console.print(f"[bold cyan]{act:>5}[/]  {what}")

    def finished(self) -> int:
        """Terminal rows so far."""
        with transaction(self.engine) as connection:
            return int(connection.execute(FINISHED).scalar_one())


def tell_story(folder: Path | None) -> None:
    """Play the demo in `folder` (default: a fixed temporary one) and leave nothing running.

    What an earlier demo left there is stopped and removed; raises `Fatal` for a folder of anything else.
    """
    begun = time.monotonic()
    console = Console(highlight=False)
    with _stage(console, folder or _own_folder()) as stage:
        logs = stage.folder / "log"
        with cast(PARTS, environment("worker", stage.reach), logs) as actors:
            stage.say("cast", "a folder door, an outbox relay and two screening workers are ready")
            broken = _drop_and_kill(stage, actors)
        stage.say("walk", "the reconciler compares the bucket with what arrived")
        subprocess.run(  # the command itself, as cron would run it
            [sys.executable, "-P", "-m", "evenscreen.infra.cli", "reconcile"],
            env={**os.environ, **environment("door", stage.reach)},
            check=True,
        )
        show_ending(stage.console, stage.reach, stage.folder, broken, time.monotonic() - begun)


@contextmanager
def _stage(console: Console, folder: Path) -> Iterator[Stage]:
    settings = StackSettings(state_dir=folder, kafka=None, database_url=None, bucket=None)
    _clear(settings)
    begun = time.monotonic()
    try:
        with console.status("starting Kafka and PostgreSQL") as line:
            reach = stack.up(
                settings, lambda part, doing, lasting: None if lasting else line.update(f"{part}: {doing}")
            )
        engine = open_database(reach.database_urls["worker"], application_name="evenscreen demo", pool_size=2)
        stage = Stage(console, folder, reach, engine)
        stage.say(
            "boot",
            f"Kafka {reach.kafka}, PostgreSQL and a bucket answered after {time.monotonic() - begun:.1f} s",
        )
        yield stage
        engine.dispose()
    except KeyboardInterrupt:
        console.print("\nstopping everything …")
        raise
    finally:
        stack.down(settings)


def _own_folder() -> Path:
    """A fixed one for each user of this machine."""
    return Path(tempfile.gettempdir()) / f"evenscreen-demo-{os.getuid()}"


def _clear(settings: StackSettings) -> None:
    """An empty folder that is marked as the demo's own."""
    mark = settings.root / MARK
    try:
        if mark.exists():
            stack.down(settings)
            shutil.rmtree(settings.root)
        settings.root.mkdir(parents=True, exist_ok=True)
        if any(settings.root.iterdir()):
            raise Fatal(f"{settings.root} was not left by a demo: name a new folder with --folder.")
        mark.touch()
    except OSError as error:
        raise Fatal(
            f"The folder {settings.root} cannot be used ({type(error).__name__}): name another with --folder."
        ) from None


def _drop_and_kill(stage: Stage, actors: dict[str, Child]) -> list[Broken]:
    """Acts 3 and 4; returns the broken files."""
    columns = (
        TextColumn("       {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with tempfile.TemporaryDirectory() as scratch, Progress(*columns, console=stage.console) as bars:
        broken = write_broken(Path(scratch), min(IMAGES.glob("*.jpg")))
        keys = Pseudonymizer.load(stage.reach.pseudonym_key_file, 1)
        drops = _mixed(plan([IMAGES], "", {}, keys), plan([Path(scratch)], "", {}, keys))
        stage.say("drop", f"{len(drops) - len(broken)} photographs and {len(broken)} broken files")
        dropped, finished = (
            bars.add_task("dropped", total=len(drops)),
            bars.add_task("finished", total=len(drops)),
        )
        (store,) = open_stores(StoreSettings(bucket=stage.reach.bucket)).values()
        killed = False
        for one in drops:
            drop([one], store, replace=False)
            bars.advance(dropped)
            time.sleep(1 / PER_SECOND)
            bars.update(finished, completed=(count := stage.finished()))
            if count >= KILL_AFTER and not killed:
                actors["worker-1"].kill()
                killed = True
                stage.say("kill", f"worker 1 was killed with -9 after {count} images; nobody told worker 2")
        _wait(stage, len(drops), lambda count: bars.update(finished, completed=count))
    return broken


def _wait(stage: Stage, total: int, progress: Callable[[int], None]) -> None:
    """Until every image has its terminal row; `Fatal` when that takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while (count := stage.finished()) < total:
        if time.monotonic() > deadline:
            raise Fatal(f"{count} of {total} images were finished; the logs are in {stage.folder / 'log'}.")
        progress(count)
        time.sleep(0.1)
    progress(count)


def _mixed(photographs: list[Drop], broken: list[Drop]) -> list[Drop]:
    """Broken files spread among the photographs."""
    step = len(photographs) // (len(broken) + 1)
    mixed = list(photographs)
    for place, one in enumerate(broken, start=1):
        mixed.insert(place * step + place - 1, one)
    return mixed
