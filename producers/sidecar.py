"""Whether a settled image still waits for its side-car. Time comes from outside."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from evenscreen.producers.settle import Stamp

Policy = Literal["off", "optional", "required"]

REMEMBERED = 10_000
"""Images announced without a side-car that a late one can still be recognised for."""


@dataclass(frozen=True)
class Ready:
    """An image to announce; `sidecar` says whether it has one, None where nobody asks."""

    key: str
    stamp: Stamp
    sidecar: bool | None


@dataclass(frozen=True)
class _Waiting:
    stamp: Stamp
    until_s: float


class Pairing:
    """Images that have settled and wait. Times are seconds of one monotonic clock."""

    def __init__(self, policy: Policy, wait_s: float) -> None:
        self._policy = policy
        self._wait_s = wait_s if policy == "optional" else float("inf")
        self._waiting: dict[str, _Waiting] = {}
        self._ready: list[Ready] = []
        self._without: OrderedDict[str, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many settled images wait for their side-car."""
        return len(self._waiting)

    @property
    def ready(self) -> int:
        """How many images wait for nothing but to be taken."""
        return len(self._ready)

    def __contains__(self, key: str) -> bool:
        return key in self._waiting

    def image_settled(self, key: str, stamp: Stamp, now_s: float, *, sidecar: bool) -> None:
        """The image is complete; `sidecar` says whether its side-car is, too."""
        if self._policy == "off":
            self._ready.append(Ready(key, stamp, None))
        elif sidecar:
            self._waiting.pop(key, None)
            self._ready.append(Ready(key, stamp, True))
        else:
            self._waiting[key] = _Waiting(stamp, now_s + self._wait_s)

    def sidecar_settled(self, key: str) -> bool:
        """The side-car of the image `key` is complete; True when it came too late."""
        if (image := self._waiting.pop(key, None)) is not None:
            self._ready.append(Ready(key, image.stamp, True))
            return False
        late = key in self._without
        self._without.pop(key, None)
        return late

    def forget(self, key: str) -> None:
        """The image is gone, or is being written anew."""
        self._waiting.pop(key, None)

    def take_ready(self, now_s: float, limit: int) -> list[Ready]:
        """At most `limit` images to announce; those that have waited long enough go without."""
        for key in self._overdue(now_s):
            self._ready.append(Ready(key, self._waiting.pop(key).stamp, False))
            self._without[key] = None
            if len(self._without) > REMEMBERED:
                self._without.popitem(last=False)
        taken, self._ready = self._ready[:limit], self._ready[limit:]
        return taken

    def _overdue(self, now_s: float) -> list[str]:
        if self._policy == "required":
            return []
        return [key for key, image in self._waiting.items() if image.until_s <= now_s]

    def oldest_change_ns(self) -> int | None:
        """The earliest ctime among images that are ready or wait for a time; `required` waits without one."""
        stamps = [image.stamp for image in self._ready]
        if self._policy == "optional":
            stamps += [image.stamp for image in self._waiting.values()]
        return min((stamp.changed_ns for stamp in stamps), default=None)
