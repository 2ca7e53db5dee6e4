"""The last page of the demo: every image accounted for, in tables that a person understands."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, text

from evenscreen.infra.demo.broken import Broken
from evenscreen.infra.local.postgres_programs import INSTALLED, site_folder
from evenscreen.infra.local.reach import Reach, Role
from evenscreen.infra.local.state import write_private
from evenscreen.infra.show.ledger import ledger_table
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.pipeline.ledger import ledger
from evenscreen.pipeline.model import SHIPPED, read_manifest
from evenscreen.schemas.identity import screening_id
from evenscreen.schemas.metadata import FST_ROMAN

ROMAN = {number: roman for roman, number in FST_ROMAN.items()}
REJECTED = text("SELECT screening_id, reason, detail FROM audit.rejections WHERE screening_id IS NOT NULL")
BY_FST = text(
    """
    SELECT fst, count(*), count(*) FILTER (WHERE flagged),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY score) / 10000
    FROM audit.screenings WHERE outcome = 'screened' GROUP BY fst ORDER BY fst NULLS LAST
    """
)
FOREIGN = text(
    "SELECT modality, count(*) FROM audit.screenings WHERE NOT modality_intended GROUP BY modality"
)


def show_ending(
    console: Console, reach: Reach, folder: Path, broken: Sequence[Broken], took_s: float
) -> None:
    """Ledger, rejections and predictions by skin type, read as the operator and the auditor would."""
    with transaction(_engine(reach, "operator")) as connection:
        counts = ledger(connection, grace_s=0)
    console.print("\n[bold]Every image is accounted for[/]")
    console.print(ledger_table(counts))
    with transaction(_engine(reach, "auditor")) as connection:
        console.print("\n[bold]Rejected, each for a reason[/] (we broke these files on purpose)")
        console.print(_rejections(connection, reach.bucket.rsplit("/", 1)[-1], broken))
        console.print("\n[bold]Predictions by Fitzpatrick skin type[/] (reported by clinicians)")
        console.print(_by_fst(connection))
        foreign = {str(modality): int(count) for modality, count in connection.execute(FOREIGN)}
    _tell_modality(console, foreign)
    _tell_psql(console, reach, folder)
    console.print(f"\nDone in {took_s:.0f} s; nothing is left running.")


def _engine(reach: Reach, role: Role) -> Engine:
    return open_database(reach.database_urls[role], application_name="evenscreen demo", pool_size=1)


def _rejections(connection: Connection, bucket: str, broken: Sequence[Broken]) -> Table:
    """Views show no names; who holds a file can derive its screening id, and so find its row."""
    table = Table("file", "what we did to it", "reason", box=None, header_style="dim", pad_edge=False)
    found = {row.screening_id: f"{row.reason} {row.detail}".strip() for row in connection.execute(REJECTED)}
    for one in broken:
        reason = found.pop(screening_id(bucket, one.name, one.etag), "[red]not rejected[/]")
        table.add_row(one.name, one.wrong, reason)
    for reason in found.values():
        table.add_row("[red]not broken by us[/]", "", reason)
    return table


def _by_fst(connection: Connection) -> Table:
    table = Table("type", "images", "flagged", "median score", box=None, header_style="dim", pad_edge=False)
    for fst, images, flagged, median in connection.execute(BY_FST):
        table.add_row(ROMAN[fst] if fst else "not recorded", str(images), str(flagged), f"{median:.2f}")
    return table


def _tell_modality(console: Console, foreign: dict[str, int]) -> None:
    intended = read_manifest(SHIPPED).intended_modality
    told = " and ".join(f"{count} {modality} photographs" for modality, count in foreign.items())
    console.print("\n[yellow]These scores mean nothing clinically.[/]")
    console.print(f"The model was trained on {intended}; these are {told},")
    console.print("and each row says so (modality_intended = false).")
    console.print("It is a research demonstration, not a medical device.")


def _tell_psql(console: Console, reach: Reach, folder: Path) -> None:
    url = urlsplit(reach.database_urls["auditor"])
    login = f"{url.hostname}:{url.port}:*:{url.username}:{url.password}\n"
    write_private(folder / "pgpass", login.encode())
    start = f"EVENSCREEN_STATE_DIR={folder} {Path(sys.executable).with_name('evenscreen')} up"
    address = f"-h {url.hostname} -p {url.port} -U {url.username} {url.path[1:]}"
    query = f"PGPASSFILE={folder / 'pgpass'} {_psql()} {address} -c 'TABLE audit.screenings LIMIT 20'"
    console.print("\nTo look at the rows yourself, as the auditor:")
    for line in (start, query, start.removesuffix("up") + "down"):
        console.print(f"  {line}", soft_wrap=True)


def _psql() -> str:
    """This machine's own psql, else the one that came with the embedded PostgreSQL."""
    if (own := shutil.which("psql")) is not None:
        return own
    return str(site_folder() / INSTALLED / "psql")
