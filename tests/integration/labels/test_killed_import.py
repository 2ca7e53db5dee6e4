"""An importer is killed half way: nothing counts and audits say so, until the same file has come whole."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from evenscreen.infra.local.reach import Reach, environment
from evenscreen.pipeline.audit.ask import Asked, answer
from evenscreen.pipeline.audit.plan import load_plan
from evenscreen.pipeline.database import open_database
from evenscreen.producers.label_import import CHUNK

from ..audit.rows import Case, insert
from ..conftest import StackHandle
from ..faults.pathology import Pathology, open_pathology
from ..faults.workers import EVENSCREEN, eventually
from .test_import import HEADER, asked, written
from .test_lost_broker import IMPORT, source_id

ROWS = CHUNK + 500
IMAGES = 60
"""The others are reports of images that have not come."""
WALKED = """
    WITH w AS (INSERT INTO walks (bucket, completed_at) VALUES ('b', clock_timestamp()) RETURNING walk_id)
    INSERT INTO listings SELECT screening_id, bucket, last_modified, w.walk_id FROM arrivals, w
"""
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def pathology(stack_handle: StackHandle, fresh_database: Reach, tmp_path: Path) -> Iterator[Pathology]:
    """With a label worker at work."""
    with open_pathology(stack_handle.state, fresh_database, tmp_path) as opened:
        opened.start(batch_labels="500")
        yield opened


@pytest.fixture
def evenscreen(fresh_database: Reach) -> Command:
    """Runs a command as a role of the stack: `evenscreen("nightly", "audit")`."""

    def run(role: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("EVENSCREEN_")}
        reached = environment(role, fresh_database)  # type: ignore[arg-type]
        command = [*EVENSCREEN, *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, env=bare | reached, cwd="/", timeout=120
        )

    return run


def test_half_a_file_counts_not_at_all_until_the_same_file_is_imported(
    pathology: Pathology, evenscreen: Command, fresh_database: Reach, tmp_path: Path
) -> None:
    shown = [Case(n * 100, None, fst=(2, 4, 6)[n % 3], patient=None) for n in range(IMAGES)]
    _, ids = insert(pathology.engine, shown)
    with pathology.engine.begin() as connection:
        connection.exec_driver_sql(WALKED)
        connection.exec_driver_sql("ANALYZE")
    others = [UUID(int=n) for n in range(ROWS - IMAGES)]
    named = [*ids[::2], *others, *ids[1::2]]
    rows = [f"{one},{'malignant' if n % 3 else 'benign'},registry,2026-04-10" for n, one in enumerate(named)]
    path = written(tmp_path / "labels.csv", HEADER, rows)
    batch = source_id(path)

    importer = [sys.executable, "-P", "-c", IMPORT, str(path), fresh_database.kafka, str(ROWS)]
    pipe = subprocess.PIPE
    with subprocess.Popen(importer, stdin=pipe, stdout=pipe, text=True, cwd="/") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == f"{CHUNK}\n"
        child.kill()
    eventually("the half is recorded", lambda: len(pathology.held()) == CHUNK)

    assert asked(fresh_database, "SELECT count(*) FROM audit.outcome_reports") == [(0,)]

    told = evenscreen("nightly", "audit", "--html", tmp_path / "report.html")
    assert told.returncode == 11, told.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for text, conclusion in ((" ".join(told.stdout.split()), "Conclusion"), (page, "Conclusion: ")):
        sentence = f"and none of them counts: import the same file again (batch {batch})."
        assert text.index(f"An import of {ROWS:,} rows that began at ") < text.index(sentence)
        assert text.index(sentence) < text.index(conclusion)

    assert evenscreen("labeller", "labels", "import", path).returncode == 0
    eventually(
        "all of it is recorded",
        lambda: asked(fresh_database, "SELECT FROM audit.label_imports WHERE finished_at IS NULL") == [],
    )
    nightly = open_database(fresh_database.database_urls["nightly"], application_name="test", pool_size=2)
    found = answer(nightly, Asked(load_plan()))
    nightly.dispose()
    assert found.conclusion == "insufficient evidence"
    assert found.completeness.sentence == f"All {IMAGES} images are accounted for."
    assert found.completeness.unfinished_imports == ()
    assert found.description["all"][0].with_outcome == IMAGES
