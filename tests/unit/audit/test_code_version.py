"""The version of the code says which code it was."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from evenscreen.pipeline.audit import code_version as module
from evenscreen.pipeline.audit.code_version import code_version, counting_files


def test_it_names_the_package_and_the_code() -> None:
    assert re.fullmatch(re.escape(version("evenscreen")) + r"\+[0-9a-f]{8}", code_version())


def test_all_that_counts_and_judges_is_in_it() -> None:
    names = {one.relative_to(module.ROOT).as_posix() for one in counting_files()}
    assert names >= {
        "pipeline/audit/judge.py",
        "pipeline/audit/audit.py",
        "pipeline/evidence/verdict.py",
        "pipeline/ledger.py",
        "migrations/sql/0003_increment.sql",
        "migrations/sql/0006_components.sql",
    }


@pytest.mark.parametrize("changed", ["pipeline/evidence/verdict.py", "migrations/sql/0001.sql"])
def test_a_change_of_one_byte_is_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    for name in ("pipeline/audit/judge.py", "pipeline/evidence/verdict.py", "migrations/sql/0001.sql"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    before = code_version.__wrapped__()
    assert code_version.__wrapped__() == before
    (tmp_path / changed).write_text("2")
    assert code_version.__wrapped__() != before
