"""Apache Kafka's jars: resolved by coordinate, checked against recorded SHA-256 sums, kept in a cache."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenscreen.infra.local.settings import cache_dir
from evenscreen.schemas.errors import Fatal

KAFKA = "4.1.2"
LOG4J = "2.25.5"
# kafka-clients is named although kafka_2.13 needs it: left alone the resolver takes an older one. And the
# broker's own tree has no logging backend.
ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA}",
    f"org.apache.kafka:kafka-clients:{KAFKA}",
    f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J}",
    f"org.apache.logging.log4j:log4j-core:{LOG4J}",
)
RECORD = Path(__file__).with_name("jars.txt")
INSTALL = "pip install 'evenscreen[local]'"
ELSEWHERE = "or name an external broker with EVENSCREEN_KAFKA=host:port."
DOWNLOADS = 8


@dataclass(frozen=True)
class Jar:
    """One line of jars.txt."""

    coordinate: str
    """group:artifact:version"""
    sha256: str

    @property
    def filename(self) -> str:
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def recorded(record: Path = RECORD) -> list[Jar]:
    """The jars of a broker: `group:artifact:version sha256` per line."""
    lines = [line.split() for line in record.read_text().splitlines()]
    return [Jar(coordinate, sha256) for coordinate, sha256 in lines]


def fetched(
    record: Path = RECORD, folder: Path | None = None, word: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """The verified jars of a broker on this disk, downloaded where they are missing.

    Every start checks every sum. Raises `Fatal` with a sentence where a jar cannot be had or is not the
    recorded one; a download that does not match never enters the cache.
    """
    folder = folder or cache_dir() / "jars"
    wanted = recorded(record)
    missing = [jar for jar in wanted if not (folder / jar.filename).exists()]
    if missing:
        word(f"downloading {len(missing)} jars, once")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as staging:
            context = _maven(Path(staging))
            with ThreadPoolExecutor(DOWNLOADS) as pool:
                list(pool.map(lambda jar: _download(jar, context, folder), missing))
    paths = [folder / jar.filename for jar in wanted]
    for jar, path in zip(wanted, paths, strict=True):
        _verify(jar, path)
    return paths


def _maven(staging: Path) -> Any:
    try:
        from jgo.config import GlobalSettings
        from jgo.constants import MAVEN_CENTRAL_URL
        from jgo.maven import MavenContext
    except ImportError:
        raise Fatal(f"jgo, which fetches Kafka, is missing: {INSTALL}, {ELSEWHERE}") from None
    settings = GlobalSettings.load()
    return MavenContext(
        repo_cache=staging,
        local_repos=[settings.repo_cache],
        remote_repos={**settings.repositories, "central": MAVEN_CENTRAL_URL},
    )


def _download(jar: Jar, context: Any, folder: Path) -> None:
    from requests import RequestException

    try:
        group, artifact, version = jar.coordinate.split(":")
        found: Path = context.project(group, artifact).at_version(version).artifact().resolve()
    except (RequestException, RuntimeError, OSError) as error:
        raise Fatal(
            f"{jar.filename}, a part of Kafka, could not be downloaded ({type(error).__name__}): connect "
            f"this machine to a Maven repository and try again, {ELSEWHERE}"
        ) from None
    part = folder / f".{jar.filename}.{os.getpid()}"
    shutil.copyfile(found, part)
    try:
        _verify(jar, part)
        part.replace(folder / jar.filename)
    finally:
        part.unlink(missing_ok=True)


def _verify(jar: Jar, path: Path) -> None:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != jar.sha256:
            raise Fatal(
                f"{jar.filename} is not the file that was recorded (its SHA-256 differs) and will not run: "
                f"delete it from {path.parent} and try again, {ELSEWHERE}"
            )


def refresh(record: Path = RECORD) -> None:
    """Resolve `ROOTS` anew and write their sums: for maintainers, after changing a version above."""
    import jgo

    lock = jgo.build("+".join(ROOTS), update=True).lockfile
    locked = lock.dependencies if lock else []
    lines = sorted(f"{jar.groupId}:{jar.artifactId}:{jar.version} {jar.sha256}" for jar in locked)
    record.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    refresh()
    sys.stdout.write(f"{len(recorded())} jars recorded in {RECORD.name}\n")
