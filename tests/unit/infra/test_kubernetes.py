"""The CronJob says what the command line understands, and holds no secret."""

from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from evenscreen.infra.cli import failures
from evenscreen.infra.cli.app import app
from evenscreen.pipeline.audit.result import EXIT_CODES
from evenscreen.schemas.settings import AuditSettings

MANIFEST = Path(failures.__file__).parents[1] / "kubernetes" / "audit.yaml"
DOCKERFILE = MANIFEST.parents[1] / "images" / "Dockerfile"


@pytest.fixture
def cronjob() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert (found["apiVersion"], found["kind"]) == ("batch/v1", "CronJob")
    return found["spec"]


@pytest.fixture
def pod(cronjob: dict[str, Any]) -> dict[str, Any]:
    return cronjob["jobTemplate"]["spec"]["template"]["spec"]


@pytest.fixture
def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["containers"]
    return only


def test_it_runs_once_a_night_after_midnight_utc(cronjob: dict[str, Any]) -> None:
    minute, hour, *days = cronjob["schedule"].split()
    assert (cronjob["timeZone"], int(hour), days) == ("Etc/UTC", 0, ["*", "*", "*"])
    assert 0 < int(minute) < 60
    assert cronjob["concurrencyPolicy"] == "Forbid"


def test_the_command_line_understands_its_arguments(container: dict[str, Any]) -> None:
    command, rest = typer.main.get_command(app), list(container["args"])
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    with command.make_context("nightly", rest) as context:
        assert context.params["exit_zero"] is True
        assert context.params["day"] is None
    assert "command" not in container  # the entry point of the image
    assert "/bin/evenscreen" in DOCKERFILE.read_text(encoding="utf-8").split("ENTRYPOINT")[1]


def test_every_setting_is_one_and_comes_from_a_secret(container: dict[str, Any]) -> None:
    fields = AuditSettings.model_fields
    needed = {name for name, field in fields.items() if field.is_required()}
    given = {one["name"].removeprefix("EVENSCREEN_").lower(): one for one in container["env"]}
    assert needed <= set(given) <= set(fields)
    for name, one in given.items():
        assert set(one) == {"name", "valueFrom"}
        assert one["valueFrom"]["secretKeyRef"].get("optional", False) == (name not in needed)


def test_a_verdict_and_what_a_person_must_mend_are_not_tried_again(
    cronjob: dict[str, Any], pod: dict[str, Any], container: dict[str, Any]
) -> None:
    rules = cronjob["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    final = {
        code
        for rule in rules
        if rule["action"] == "FailJob"
        for code in rule["onExitCodes"]["values"]
        if rule["onExitCodes"]["containerName"] == container["name"]
    }
    assert final >= {code for code in EXIT_CODES.values() if code} | {failures.CONFIGURATION}
    assert not final & {0, failures.TRY_AGAIN, failures.DEFECT}
    assert pod["restartPolicy"] == "Never"  # or no policy is heard


def test_it_is_nobody_and_writes_nowhere(pod: dict[str, Any], container: dict[str, Any]) -> None:
    user = pod["securityContext"]["runAsUser"]
    assert f"USER {user}\n" in DOCKERFILE.read_text(encoding="utf-8")
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert "volumes" not in pod
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
