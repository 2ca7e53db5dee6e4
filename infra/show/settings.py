"""Every setting with its default and its sentence, read from the settings classes themselves."""

from collections.abc import Iterator

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from evenscreen.infra.local.settings import StackSettings
from evenscreen.schemas import settings as processes
from evenscreen.schemas.settings.base import Settings

# Shared ones first: a setting is told where it first appears.
CLASSES: tuple[type[Settings], ...] = (
    processes.KafkaSettings,
    processes.DatabaseSettings,
    processes.StoreSettings,
    processes.HealthSettings,
    processes.PseudonymSettings,
    processes.ImageSettings,
    processes.ScreeningSettings,
    processes.LabelSettings,
    processes.FolderSettings,
    processes.RelaySettings,
    processes.OutboxSettings,
    processes.ReconcilerSettings,
    processes.AuditSettings,
    StackSettings,
)


def settings_lines() -> Iterator[str]:
    """One paragraph per setting, under the sentence of the class that brings it."""
    told: set[str] = set()
    for kind in CLASSES:
        fields = {name: field for name, field in kind.model_fields.items() if name not in told}
        told |= fields.keys()
        yield f"# {str(kind.__doc__).splitlines()[0]}"
        yield ""
        for name, field in fields.items():
            yield f"EVENSCREEN_{name.upper()}  ({_default(field)})"
            yield f"    {field.description}"
        yield ""
    yield "# EVENSCREEN_SECRETS_DIR names a folder in which any of these is a file of the same name."


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return "unset" if value in (None, "") else f"default {value}"
