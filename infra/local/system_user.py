"""The unprivileged user that runs PostgreSQL where `up` runs as root: PostgreSQL itself refuses root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from evenscreen.schemas.errors import Fatal


@dataclass(frozen=True)
class SystemUser:
    """A user and its group; None for both means that the present user does the work itself."""

    name: str
    uid: int | None
    gid: int | None

    def own(self, path: Path) -> None:
        """Give `path`, one folder or file, to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can_reach(self, path: Path) -> bool:
        """Whether every folder from the root down to `path` lets this user pass (modes only, no ACLs)."""
        return self.uid is None or all(self._may_enter(folder) for folder in (path, *path.parents))

    def _may_enter(self, folder: Path) -> bool:
        status = folder.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return bool(status.st_mode >> shift & 0o1)


def system_user(name: str) -> SystemUser:
    """The user `name` when running as root, else the present one."""
    if os.geteuid() != 0:
        return SystemUser(pwd.getpwuid(os.geteuid()).pw_name, None, None)
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise Fatal(
            f"PostgreSQL does not run as root and this system has no user {name!r}: name one in "
            "EVENSCREEN_POSTGRES_USER, or an external database in EVENSCREEN_DATABASE_URL."
        ) from None
    if entry.pw_uid == 0:
        raise Fatal("PostgreSQL does not run as root: EVENSCREEN_POSTGRES_USER must be another user.")
    return SystemUser(name, entry.pw_uid, entry.pw_gid)
