"""Which files `drop` takes, under which keys, with which metadata: judged before anything is stored."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evenscreen.pipeline.pseudonym import Pseudonymizer, accession_for, pseudonym_for
from evenscreen.pipeline.store.names import is_image_key, is_sendable, sidecar_of
from evenscreen.pipeline.store.sidecar import MAX_SIDECAR_BYTES, parse_sidecar
from evenscreen.pipeline.store.walk import image_keys
from evenscreen.schemas.metadata import parse_metadata


class Refused(Exception):
    """Nothing was stored; the message is a sentence for the person who typed the command.

    It may name that person's own files and options, so it is printed and never logged.
    """


@dataclass(frozen=True)
class Drop:
    """One file to store; the metadata holds pseudonyms in place of patient and accession number."""

    source: Path
    key: str
    metadata: Mapping[str, str] = field(repr=False)


def plan(
    paths: Sequence[Path], prefix: str, options: Mapping[str, str], pseudonymizer: Pseudonymizer | None
) -> list[Drop]:
    """Every image below `paths`. Raises `Refused`, and `Fatal` for a patient without a pseudonym key.

    A file's key is its name, a folder's files keep their paths below it; `prefix` stands before both.
    `options` describe every image; what an image's own side-car says comes first.
    """
    check_options(options)
    drops = [
        Drop(source, _key(prefix, name), _metadata(source, options, pseudonymizer))
        for path in paths
        for source, name in _files(path)
    ]
    doubled = [key for key, count in Counter(drop.key for drop in drops).items() if count > 1]
    if doubled:
        raise Refused(f"{len(doubled)} names come twice, such as {doubled[0]}: drop them one by one.")
    return drops


def check_options(options: Mapping[str, str]) -> None:
    """Raises `Refused` with the option that cannot be used."""
    if "fst_source" in options:
        if "fst" not in options:
            raise Refused("--fst-source says where a skin type comes from: give --fst, too.")
        if options["fst_source"] not in ("reported", "estimated", "simulated"):
            raise Refused("--fst-source is reported, estimated or simulated.")
    for name, value in options.items():
        _metadata_read, problem = parse_metadata({name: value})
        if problem is not None:
            raise Refused(f"--{name.replace('_', '-')} cannot be {value!r}: {_expected(name)}.")


def _expected(name: str) -> str:
    expected = {
        "fst": "a Fitzpatrick skin type is 1 to 6 or I to VI",
        "age": "an age is a number of years from 0 to 130",
        "sex": "it is female, male or other",
        "modality": "it is dermoscopy, clinical, smartphone or unknown",
        "acquired_at": "a time is written 2026-11-21T12:30:00+01:00, with its zone",
    }
    return expected.get(name, "it is a text, and shorter than that")


def _files(path: Path) -> list[tuple[Path, str]]:
    """The images at or below `path`, each with its name in the bucket."""
    if path.is_dir():
        found = [(path / name, name) for name in image_keys(path, Counter())]
        if not found:
            raise Refused(f"There are no images in {path}.")
        return found
    if not path.exists():
        raise Refused(f"There is no {path}.")
    if not is_image_key(path.name):
        raise Refused(f"{path} is no image by its name: hidden, temporary and .json files are left out.")
    return [(path, path.name)]


def _key(prefix: str, name: str) -> str:
    key = f"{prefix.strip('/')}/{name}" if prefix.strip("/") else name
    if not is_image_key(key) or not is_sendable(key) or ".." in key.split("/"):
        raise Refused("--prefix is a plain path within the bucket: no hidden folders, no '..'.")
    return key


def _metadata(
    source: Path, options: Mapping[str, str], pseudonymizer: Pseudonymizer | None
) -> Mapping[str, str]:
    values: dict[str, object] = {**options, **_sidecar(source)}
    metadata, problem = parse_metadata(values)
    if problem is not None:
        raise Refused(f"The side-car of {source} cannot be used ({problem}): correct it or move it away.")
    pseudonym = pseudonym_for(metadata, pseudonymizer)
    # The validated values as text, in the words that every reader of metadata understands.
    kept = metadata.model_dump(mode="json", exclude_defaults=True, exclude={"patient", "accession", "issuer"})
    if pseudonym is not None:
        kept["patient"] = pseudonym
    if (accession := accession_for(metadata, pseudonymizer)) is not None:
        kept["accession"] = accession
    return {name: str(value) for name, value in kept.items()}


def _sidecar(source: Path) -> Mapping[str, object]:
    beside = source.with_name(sidecar_of(source.name))
    try:
        with beside.open("rb") as file:
            values = parse_sidecar(file.read(MAX_SIDECAR_BYTES + 1))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Refused(f"The side-car {beside} cannot be read ({type(error).__name__}).") from None
    if values is None:
        raise Refused(f"The side-car {beside} is no JSON object: correct it or move it away.")
    return values
