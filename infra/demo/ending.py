"""The last page of the demo: every image accounted for, in tables that a person understands."""

from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text

from evenscreen.infra.local.reach import Reach
from evenscreen.infra.local.state import write_private
from evenscreen.infra.show.status import ledger_table
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


def _engine(reach: Reach, role: str):  # type: ignore[no-untyped-def]
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
    console.print(
        f"\n[yellow]These scores mean nothing clinically.[/] The model was trained on {intended}, and these are "
        f"{told}: each row says so (modality_intended = false). It is a research demonstration, not a medical device."
    )


def _tell_psql(console: Console, reach: Reach, folder: Path) -> None:
    url = urlsplit(reach.database_urls["auditor"])
    write_private(folder / "pgpass", f"{url.hostname}:{url.port}:*:{url.username}:{url.password}\n".encode())
    console.print("\nTo look at the rows yourself, as the auditor:")
    console.print(f"  EVENSCREEN_STATE_DIR={folder} .venv/bin/evenscreen up", soft_wrap=True)
    console.print(
        f"  PGPASSFILE={folder}/pgpass psql -h {url.hostname} -p {url.port} -U {url.username} evenscreen "
        "-c 'SELECT outcome, reason, fst, score, flagged FROM audit.screenings LIMIT 20'",
        soft_wrap=True,
    )
