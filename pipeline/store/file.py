"""A folder as a bucket, for places without an object store. POSIX only."""

import contextlib
import errno
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from evenscreen.pipeline.store.base import Fetched, Listed, Store
from evenscreen.pipeline.store.beneath import file_beneath, parts_of
from evenscreen.pipeline.store.digest import Digests, md5
from evenscreen.pipeline.store.names import sidecar_of
from evenscreen.pipeline.store.replace import replace_file, unlink_file
from evenscreen.pipeline.store.sidecar import MAX_SIDECAR_BYTES, parse_sidecar, render_sidecar
from evenscreen.pipeline.store.walk import image_keys
from evenscreen.schemas.errors import Fatal, Rejected, Superseded, Transient
from evenscreen.schemas.reasons import Reason

_log = logging.getLogger(__name__)

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENAMETOOLONG, errno.ENXIO}


class FileStore(Store):
    """The folder `root`; the bucket's name is the folder's unless `bucket` gives another.

    An ETag is the MD5 of the content. Last-Modified is the ctime, the nearest a file system has to "when
    this version was stored": mtimes are carried along by copying programs, and a camera whose clock is ahead
    would date its images into a future in which no reconciler ever misses them. Keys are
    relative POSIX paths; symbolic links below the root are not followed, neither by `get` nor by `list`.
    """

    def __init__(self, root: Path, bucket: str | None = None) -> None:
        self._root = Path(os.path.abspath(root))
        self.bucket = bucket or self._root.name
        self._digests = Digests()
        self._seen: tuple[int, int] | None = None

    def get(self, key: str, *, etag: str, version_id: str | None, max_bytes: int) -> Fetched:
        """As `Store.get`; the ETag is verified on the very bytes returned. There are no older versions."""
        del version_id
        with self._reading(key) as descriptor:
            stat = os.fstat(descriptor)
            if stat.st_size > max_bytes:
                if self._digests.of(descriptor) != etag:
                    raise Superseded
                raise Rejected(Reason.OBJECT_TOO_LARGE, f"{stat.st_size} bytes")
            with open(descriptor, "rb", closefd=False) as file:
                body = file.read(max_bytes + 1)
            if md5(body) != etag:
                raise Superseded
        if not body:
            raise Rejected(Reason.OBJECT_EMPTY)
        text = self._sidecar(key)
        metadata = parse_sidecar(text) if text is not None else {}
        return Fetched(body, etag, _modified(stat), metadata or {}, metadata_unreadable=metadata is None)

    def head(self, key: str) -> Listed | None:
        """As `Store.head`; reads the whole file for its MD5, unless that is remembered."""
        try:
            return self._listed(key)
        except Rejected as rejected:
            if rejected.reason is Reason.OBJECT_NOT_FOUND:
                return None
            raise

    def list(self) -> Iterator[Listed]:
        """As `Store.list`. Every file is read for its MD5: the first walk costs one pass over all bytes
        (some 500 MB/s and core), later ones only what changed, up to 100,000 remembered files.

        Files that cannot be offered (name not UTF-8, unreadable, symbolic link) are counted in one warning.
        """
        skipped: Counter[str] = Counter()
        try:
            self._note_root()
            for key in image_keys(self._root, skipped):
                try:
                    yield self._listed(key)
                except Rejected as rejected:
                    if rejected.reason is Reason.OBJECT_FORBIDDEN:
                        skipped["file_unreadable"] += 1
        except OSError as error:
            raise self._translated(error) from None
        if skipped:
            _log.warning(
                "The listing passed over %d names: %s", skipped.total(), dict(sorted(skipped.items()))
            )

    def put(self, key: str, source: Path, metadata: Mapping[str, str]) -> Listed:
        """As `Store.put`: side-car first, then the image, each as temporary file, fsync, rename, fsync.

        An old side-car never stays beside a new image: it may name another patient. Raises ValueError for
        a key that is no plain relative path, OSError for a `source` that cannot be opened, `Fatal` where the
        folder cannot be written to.
        """
        parts = parts_of(key)
        if parts is None:
            raise ValueError("a key is a relative path without '..', empty names or NUL")
        with source.open("rb") as content:
            self._replace(parts, metadata, iter(lambda: content.read(1 << 20), b""))
        return self._listed(key)

    def _replace(self, parts: Sequence[str], metadata: Mapping[str, str], pieces: Iterator[bytes]) -> None:
        sidecar = [*parts[:-1], sidecar_of(parts[-1])]
        try:
            if metadata:
                replace_file(self._root, sidecar, [render_sidecar(metadata)])
            else:
                unlink_file(self._root, sidecar)
            replace_file(self._root, parts, pieces)
        except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
            name = errno.errorcode.get(error.errno or 0, "")
            raise Fatal(f"The folder of bucket {self.bucket} cannot be written to ({name}).") from None
        except OSError as error:
            if error.errno == errno.EROFS:
                raise Fatal(f"The folder of bucket {self.bucket} is mounted read-only.") from None
            raise self._translated(error) from None

    def check(self) -> None:
        """As `Store.check`; a folder that is missing or may not be listed is `Fatal`."""
        try:
            self._note_root()
            with os.scandir(self._root) as entries:
                next(entries, None)
        except PermissionError:
            raise Fatal(f"The folder of bucket {self.bucket} may not be read by this user.") from None
        except OSError as error:
            raise self._translated(error) from None

    @contextlib.contextmanager
    def _reading(self, key: str) -> Iterator[int]:
        """A descriptor of the object; OSErrors become ours, also those of the caller's reading."""
        parts = parts_of(key)
        if parts is None:
            raise Rejected(Reason.OBJECT_NOT_FOUND)
        try:
            with file_beneath(self._root, parts) as descriptor:
                yield descriptor
        except OSError as error:
            raise self._translated(error) from None

    def _listed(self, key: str) -> Listed:
        with self._reading(key) as descriptor:
            digest = self._digests.of(descriptor)
            stat = os.fstat(descriptor)
        return Listed(key, digest, stat.st_size, _modified(stat))

    def _sidecar(self, key: str) -> bytes | None:
        """The side-car's text, at most one byte more than is allowed; None without one, b"" if forbidden."""
        try:
            with self._reading(sidecar_of(key)) as descriptor, open(descriptor, "rb", closefd=False) as file:
                return file.read(MAX_SIDECAR_BYTES + 1)
        except Rejected as rejected:
            return None if rejected.reason is Reason.OBJECT_NOT_FOUND else b""

    def _note_root(self) -> None:
        """Remember which folder the root is; `Transient` when its file system seems to have gone away."""
        stat = os.stat(self._root)
        identity = (stat.st_dev, stat.st_ino)
        if self._seen not in (None, identity) and not os.listdir(self._root):
            raise Transient("storage", "ENODEV")
        self._seen = identity

    def _translated(self, error: OSError) -> Exception:
        """What an OSError below the root means: no such object, forbidden object, or bad weather."""
        if error.errno is None or error.errno in _ABSENT:
            try:
                # An unmounted share leaves an empty folder: nothing in it proves that an image is gone.
                self._note_root()
            except FileNotFoundError:
                return Fatal(f"The folder of bucket {self.bucket} does not exist.")
            except OSError as worse:
                return Transient("storage", errno.errorcode.get(worse.errno or 0, "OSError"))
            except Transient as weather:
                return weather
            return Rejected(Reason.OBJECT_NOT_FOUND)
        if isinstance(error, PermissionError) and os.access(self._root, os.R_OK | os.X_OK):
            return Rejected(Reason.OBJECT_FORBIDDEN)
        return Transient("storage", errno.errorcode.get(error.errno, "OSError"))


def _modified(stat: os.stat_result) -> datetime:
    return datetime.fromtimestamp(stat.st_ctime, UTC)
