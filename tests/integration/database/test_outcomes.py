"""What is known of a screening, as of any time: repeats, contradictions, corrections, late images."""

from collections.abc import Callable
from datetime import timedelta, timezone
from itertools import permutations
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.labels.sample import Sample, draw_sample
from evenscreen.schemas.events import LabelArrived

from .images import MODEL, WHEN, count, image, rejected, screened
from .reports import ACCESSION, MARCH, arrive_labels, asked, id_of, now, outcomes, report
from .test_record import recorded

IMAGE = image(1)
ID = IMAGE.screening_id


@pytest.fixture
def labeller(engine_of: Callable[[str], Engine]) -> Engine:
    return engine_of("labeller")


@pytest.fixture
def auditor(engine_of: Callable[[str], Engine]) -> Engine:
    return engine_of("auditor")


def test_redelivered_report_leaves_one_row(labeller: Engine, owner: Engine) -> None:
    one = report(True, screening_id=ID)
    assert arrive_labels(labeller, one, one).outcomes == 1
    again = arrive_labels(labeller, one)
    assert (again.outcomes, again.repeats) == (0, 1)
    assert count(owner, "ground_truth") == 1


def test_the_same_outcome_of_another_import_is_no_second_row(labeller: Engine, owner: Engine) -> None:
    arrive_labels(labeller, report(True, screening_id=ID))
    other = report(True, screening_id=ID, batch_id=uuid4(), imported_by="x", verification_reason="flagged")
    assert arrive_labels(labeller, other).repeats == 1
    named = report(True, bucket=IMAGE.bucket, key=IMAGE.key, etag=f'"{IMAGE.etag}"')
    assert arrive_labels(labeller, named).repeats == 1
    elsewhere = report(True, screening_id=ID, reported_at=MARCH.astimezone(timezone(timedelta(hours=5))))
    assert arrive_labels(labeller, elsewhere).repeats == 1
    assert count(owner, "ground_truth") == 1


@pytest.mark.parametrize(
    "other",
    [
        report(False, screening_id=ID),
        report(False, screening_id=ID, source="registry"),
        report(False, screening_id=ID, reported_at=MARCH + timedelta(days=9)),
        report(False, bucket=IMAGE.bucket, key=IMAGE.key),
        report(False, accession=ACCESSION),
    ],
    ids=["same key", "other source", "other time", "by object", "by accession"],
)
def test_another_outcome_that_replaces_nothing_is_a_contradiction(
    worker: Engine, labeller: Engine, auditor: Engine, other: LabelArrived
) -> None:
    recorded(worker, screened(IMAGE, accession=ACCESSION))
    arrive_labels(labeller, report(True, screening_id=ID))
    before = now(worker)
    arrive_labels(labeller, other)
    assert outcomes(auditor, before) == {ID: True}
    assert outcomes(auditor) == {ID: None}


def test_of_a_chain_the_newest_link_counts_in_whatever_order_its_links_came(
    labeller: Engine, auditor: Engine, owner: Engine
) -> None:
    for number, order in enumerate(permutations(range(3))):
        id_ = image(number).screening_id
        first = report(True, screening_id=id_)
        second = report(False, screening_id=id_, supersedes=id_of(first))
        third = report(True, screening_id=id_, supersedes=id_of(second))
        chain = (first, second, third)
        for link in order:
            arrive_labels(labeller, chain[link])
        arrive_labels(labeller, *chain)
        assert outcomes(auditor)[id_] is True
        assert id_of(first) != id_of(third)
    assert count(owner, "ground_truth") == 18


def test_a_correction_changes_no_earlier_answer(labeller: Engine, auditor: Engine, owner: Engine) -> None:
    wrong = report(True, screening_id=ID)
    before = now(owner)
    arrive_labels(labeller, wrong)
    then = now(owner)
    arrive_labels(labeller, report(False, screening_id=ID, supersedes=id_of(wrong)))
    assert [outcomes(auditor, t) for t in (before, then, None)] == [{}, {ID: True}, {ID: False}]


def test_a_report_takes_back_nothing_that_was_said_of_another_image(
    labeller: Engine, auditor: Engine
) -> None:
    said, other = report(True, screening_id=ID), report(False, screening_id=ID, source="registry")
    elsewhere = image(2).screening_id
    astray = report(False, screening_id=elsewhere, supersedes=id_of(said))
    arrive_labels(labeller, said, other, astray, report(False, screening_id=elsewhere, source="registry"))
    assert outcomes(auditor) == {ID: None, elsewhere: False}


@pytest.mark.parametrize(
    "reference",
    [
        {"screening_id": ID},
        {"bucket": IMAGE.bucket, "key": IMAGE.key},
        {"accession": ACCESSION},
    ],
    ids=["screening", "object", "accession"],
)
def test_a_report_waits_for_its_image_and_is_known_once_both_are(
    worker: Engine, labeller: Engine, auditor: Engine, reference: dict[str, object]
) -> None:
    arrive_labels(labeller, report(True, **reference))
    assert asked(auditor, "SELECT waits_for FROM audit.waiting_outcomes") == [("image",)]
    joined = """
        SELECT o.malignant FROM audit.outcomes(now()) AS o JOIN audit.screenings USING (screening_id)
    """
    assert asked(auditor, joined) == []
    early = now(worker)
    recorded(worker, screened(IMAGE, accession=ACCESSION))
    assert asked(auditor, joined) == [(True,)]
    assert asked(auditor, "SELECT * FROM audit.waiting_outcomes") == []
    if "screening_id" not in reference:
        assert outcomes(auditor, early) == {}


def test_a_bare_key_means_the_latest_version_of_its_time(
    worker: Engine, labeller: Engine, auditor: Engine
) -> None:
    old, new = (
        image(1, etag=etag, last_modified=WHEN + timedelta(days=day)) for day, etag in ((0, "a"), (5, "b"))
    )
    other = image(1, bucket="elsewhere")
    recorded(worker, screened(old), screened(new), screened(other))
    name = {"bucket": old.bucket, "key": old.key}
    for day, malignant in ((-1, True), (1, True), (6, False)):
        arrive_labels(labeller, report(malignant, **name, reported_at=WHEN + timedelta(days=day)))
    assert outcomes(auditor) == {old.screening_id: True, new.screening_id: False}
    assert asked(auditor, "SELECT waits_for FROM audit.waiting_outcomes") == [("version",)]


def test_a_version_that_is_seen_late_takes_the_report_over_and_changes_no_earlier_answer(
    worker: Engine, labeller: Engine, auditor: Engine
) -> None:
    old, new = (
        image(1, etag=etag, last_modified=WHEN + timedelta(days=day)) for day, etag in ((0, "a"), (5, "b"))
    )
    recorded(worker, screened(old))
    arrive_labels(labeller, report(True, bucket=old.bucket, key=old.key))
    before = now(worker)
    recorded(worker, screened(new))
    assert outcomes(auditor, before) == {old.screening_id: True}
    assert outcomes(auditor) == {new.screening_id: True}


def test_an_accession_number_speaks_of_all_its_images(
    worker: Engine, labeller: Engine, auditor: Engine
) -> None:
    mine = [image(n) for n in range(3)]
    recorded(worker, *(screened(one, accession=ACCESSION) for one in mine), screened(image(9)))
    arrive_labels(labeller, report(True, accession=ACCESSION))
    assert outcomes(auditor) == {one.screening_id: True for one in mine}


def test_the_strongest_source_speaks_where_all_agree(labeller: Engine, auditor: Engine) -> None:
    later = {"reported_at": MARCH + timedelta(days=1)}
    arrive_labels(
        labeller,
        report(True, screening_id=ID, source="registry", **later),
        report(True, screening_id=ID, verification_reason="random_sample", sampling_probability=0.25),
        report(True, screening_id=ID, source="follow_up", **later),
    )
    told = "source, verification_reason, sampling_probability, reported_at"
    assert asked(auditor, f"SELECT {told} FROM audit.outcomes('infinity')") == [
        ("histopathology", "random_sample", 0.25, MARCH)
    ]


def test_who_said_what_and_when_can_be_asked(labeller: Engine, auditor: Engine) -> None:
    first = report(True, screening_id=ID, imported_by="Dr. Rot")
    second = report(False, screening_id=ID, imported_by="Dr. Blau", supersedes=id_of(first))
    arrive_labels(labeller, first)
    arrive_labels(labeller, second)
    told = "SELECT imported_by, malignant, supersedes FROM audit.outcome_reports ORDER BY known_at"
    assert asked(auditor, told) == [("Dr. Rot", True, None), ("Dr. Blau", False, id_of(first))]


HOSTILE = "'; DROP TABLE ground_truth; -- $$ \\ %s :rows {} \"\u202e"


def test_hostile_text_is_data(worker: Engine, labeller: Engine, auditor: Engine, owner: Engine) -> None:
    event = image(1, key=HOSTILE, bucket=HOSTILE)
    recorded(worker, screened(event))
    label = report(True, fst=2, bucket=HOSTILE, key=HOSTILE, imported_by=HOSTILE)
    arrive_labels(labeller, label)
    arrive_labels(labeller, label)
    assert outcomes(auditor) == {event.screening_id: True}
    assert asked(auditor, "SELECT imported_by FROM audit.outcome_reports") == [(HOSTILE,)]
    assert asked(owner, "SELECT key FROM skin_type_reports") == [(HOSTILE,)]


def test_no_key_and_no_pseudonym_is_shown_to_auditors(
    worker: Engine, labeller: Engine, auditor: Engine
) -> None:
    event = image(1, key="Doe^Jane.jpg", etag="e7a6")
    recorded(worker, screened(event, accession=ACCESSION))
    named = {"bucket": event.bucket, "key": event.key}
    arrive_labels(labeller, report(True, fst=2, **named), report(True, fst=3, accession=ACCESSION))
    views = asked(auditor, "SELECT viewname FROM pg_views WHERE schemaname = 'audit'")
    queries = [f"audit.{view}" for (view,) in views]
    queries += ["audit.outcomes(now())", "audit.skin_types(now())"]
    seen = "".join(str(asked(auditor, f"SELECT CAST(t AS text) FROM {query} AS t")) for query in queries)
    assert str(event.screening_id) in seen
    for secret in ("Doe^Jane", "e7a6", ACCESSION):
        assert secret not in seen


def test_a_sample_is_drawn_from_unflagged_cases_without_outcome_and_stays_the_same(
    worker: Engine, labeller: Engine, auditor: Engine
) -> None:
    unflagged = [image(n) for n in range(40)]
    recorded(
        worker,
        *(screened(one) for one in unflagged),
        *(screened(image(n), flagged=True) for n in range(100, 110)),
        rejected(image(200)),
        screened(image(300, last_modified=WHEN + timedelta(days=2))),
    )
    known = {one.screening_id for one in unflagged[:10]}
    arrive_labels(labeller, *(report(False, screening_id=id_) for id_ in known))

    def draw(seed: int, size: int = 6) -> Sample:
        with transaction(labeller) as connection:
            return draw_sample(
                connection,
                model_version=MODEL,
                since=WHEN,
                until=WHEN + timedelta(days=1),
                size=size,
                seed=seed,
                drawn_by="me",
            )

    sample = draw(1)
    eligible = {one.screening_id for one in unflagged} - known
    assert (len(set(sample.screening_ids)), sample.population, sample.probability) == (6, 30, 0.2)
    assert set(sample.screening_ids) <= eligible
    arrive_labels(labeller, *(report(False, screening_id=id_) for id_ in sample.screening_ids))
    assert draw(1) == sample
    assert draw(2).population == 24
    assert set(draw(3, size=99).screening_ids) == eligible - set(sample.screening_ids)
    probabilities = (
        "SELECT draw_id, min(sampling_probability), count(*) FROM audit.verification_samples GROUP BY 1"
    )
    assert asked(auditor, probabilities + " ORDER BY 1") == [(1, 0.2, 6), (2, 0.25, 6), (3, 1.0, 24)]


def test_every_column_of_the_functions_is_explained(owner: Engine) -> None:
    for function, columns in (
        (
            "outcomes",
            "screening_id malignant contradictory source verification_reason sampling_probability "
            "reported_at known_at",
        ),
        ("skin_types", "screening_id fst fst_source known_at"),
    ):
        with transaction(owner) as connection:
            comment = connection.scalar(
                text("SELECT obj_description(CAST(:f AS regprocedure))"),
                {"f": f"audit.{function}(timestamptz)"},
            )
        assert all(column in comment for column in columns.split()), function
