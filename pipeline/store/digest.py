"""MD5 of files: the ETag of a `file://` bucket, with a bounded memory for listings.

MD5 names content here, as S3's ETags do; it protects against accidents, not against an attacker.
"""

import hashlib
import os
import time
from collections import OrderedDict
from threading import Lock

CHUNK_BYTES = 1 << 20
SETTLED_NS = 2_000_000_000
"""Younger files are never remembered: a second write may leave size and coarse timestamps as they were."""

Stamp = tuple[int, int, int, int, int]


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


class Digests:
    """Remembers the MD5 of up to `limit` files by device, inode, size, mtime and ctime. Thread-safe."""

    def __init__(self, limit: int = 100_000, settled_ns: int = SETTLED_NS) -> None:
        self._limit = limit
        self._settled_ns = settled_ns
        self._known: OrderedDict[Stamp, str] = OrderedDict()
        self._lock = Lock()

    def of(self, descriptor: int) -> str:
        """The MD5 of an open file, from memory or by reading it all in pieces of 1 MiB. Raises OSError."""
        stamp = _stamp(descriptor)
        with self._lock:
            if stamp in self._known:
                self._known.move_to_end(stamp)
                return self._known[stamp]
        digest = hashlib.md5(usedforsecurity=False)
        os.lseek(descriptor, 0, os.SEEK_SET)
        while piece := os.read(descriptor, CHUNK_BYTES):
            digest.update(piece)
        if stamp == _stamp(descriptor) and max(stamp[3:]) < time.time_ns() - self._settled_ns:
            self._remember(stamp, digest.hexdigest())
        return digest.hexdigest()

    def _remember(self, stamp: Stamp, digest: str) -> None:
        with self._lock:
            self._known[stamp] = digest
            while len(self._known) > self._limit:
                self._known.popitem(last=False)


def _stamp(descriptor: int) -> Stamp:
    stat = os.fstat(descriptor)
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
