"""Which names in a bucket are images. The folder door, the listings and the relay share these rules.

A name is hidden when it begins with a dot (so is everything below a hidden folder, such as the derived
`.evenscreen/`), temporary when a copying program has not finished it, and a side-car when it ends in
`.json`: JSON is no image format, and a rule that asks whether the image exists would change its answer
with the order in which the two files arrive.
"""

SIDECAR_SUFFIX = ".json"
TEMPORARY_SUFFIXES = (".tmp", ".part", ".partial", ".crdownload", "~")
DERIVED_PREFIX = ".evenscreen/"
"""Where this system writes objects of its own, explanation overlays for one."""


def is_image_name(name: str) -> bool:
    """Whether a file name (no folders) may be an image: not hidden, not temporary, not a side-car."""
    folded = name.lower()
    return (
        bool(name) and not name.startswith(".") and not folded.endswith((SIDECAR_SUFFIX, *TEMPORARY_SUFFIXES))
    )


def is_image_key(key: str) -> bool:
    """Whether a whole key may be an image: no hidden folder on the way, and an image name at the end."""
    *folders, name = key.split("/")
    return is_image_name(name) and not any(folder.startswith(".") for folder in folders)


def sidecar_of(key: str) -> str:
    """The key (or name) of the side-car that belongs to an image: `IMG.jpg` has `IMG.jpg.json`."""
    return key + SIDECAR_SUFFIX


def is_sendable(key: str) -> bool:
    """Whether an event can carry the key: 1 to 1,024 characters, no NUL, no half of a surrogate pair."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return 0 < len(key) <= 1024 and "\x00" not in key
