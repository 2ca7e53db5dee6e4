"""The trace of one image, for a script and for a person."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def show_json(found: dict[str, Any]) -> None:
    """One JSON object; times are ISO 8601."""
    print(json.dumps(found, default=str))


def show_people(found: dict[str, Any]) -> None:
    """What happened, in the order it happened."""
    console = Console()
    console.print(f"[bold]screening {found['screening_id']}[/]")
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(style="bold")
    table.add_column()
    for when, what, about in steps(found):
        table.add_row(f"{when:%Y-%m-%d %H:%M:%S.%f}"[:-3] if when else "", what, escape(about))
    console.print(table)


def steps(found: dict[str, Any]) -> list[tuple[Any, str, str]]:
    """Time (or None), event and details of each thing known."""
    rows: list[tuple[Any, str, str]] = []
    if arrival := found["arrival"]:
        rows.append((arrival["last_modified"], "stored", f"{arrival['size_bytes'] or 'unknown'} bytes"))
        rows.append(
            (arrival["first_seen_at"], "arrived", f"by {arrival['door']}, trace {arrival['trace_id']}")
        )
    elif found["listing"]:
        rows.append((found["listing"]["last_modified"], "stored", "listed by a walk; no door announced it"))
    else:
        rows.append((None, "unknown", "no door announced it and no walk of the bucket saw it"))
    for terminal in found["terminal"]:
        rows.append((terminal["recorded_at"], terminal["outcome"], _terminal(terminal)))
    if arrival and not found["terminal"]:
        rows.append((None, "in flight", "no terminal row yet"))
    for message in found["outbox"]:
        rows.append((message["created_at"], "explanation asked", f"for topic {message['topic']}"))
        if message["published_at"]:
            rows.append((message["published_at"], "published", f"to {message['topic']}"))
    return rows


def _terminal(row: dict[str, Any]) -> str:
    about = [f"by {row['model_version']}"]
    if row["reason"]:
        about.append(f"because {row['reason']} {row['detail'] or ''}".strip())
    if row["score"] is not None:
        about.append(f"score {row['score'] / 10_000:.4f}, {'flagged' if row['flagged'] else 'not flagged'}")
    about.append(f"FST {row['fst']} ({row['fst_source']})" if row["fst"] else "FST unknown")
    if row["modality_intended"] is False:
        about.append(f"modality {row['modality']} is not what the model is intended for")
    if row["metadata_problem"]:
        about.append(f"metadata: {row['metadata_problem']}")
    return "; ".join(about)
