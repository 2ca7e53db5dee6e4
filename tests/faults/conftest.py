"""The stacks and clinics of the integration tests, for tests that take minutes."""

from ..integration.conftest import (
    _seed,
    _template,
    fresh_database,
    fresh_stack,
    make_topic,
    stack,
    stack_handle,
    unique_name,
)
from ..integration.faults.conftest import clinic, make_clinic

__all__ = [
    "_seed",
    "_template",
    "clinic",
    "fresh_database",
    "fresh_stack",
    "make_clinic",
    "make_topic",
    "stack",
    "stack_handle",
    "unique_name",
]
