"""What stands behind the figures: missed cancers, who has an outcome, and who has a skin type."""

from evenscreen.infra.show.audit_groups import registered
from evenscreen.infra.show.audit_headline import skin_type_note, verification_note
from evenscreen.infra.show.audit_hidden import sampled, standards, weighted
from evenscreen.infra.show.audit_markup import Node, figure, prose, table, tag
from evenscreen.infra.show.audit_words import DIMENSION_NAMES, count, group_name, share
from evenscreen.infra.show.svg_bars import verification_drawing
from evenscreen.pipeline.audit.result import Audit


def missed(found: Audit) -> list[Node]:
    """Malignant images that were not flagged, or could not be screened."""
    groups = registered(found, found.judgements[0].grouping)
    rows = [
        (one.name, *(count(value) for value in (it.positives, it.missed_cancers, it.rejected_cancers)))
        if (it := one.described)
        else (one.name, "0", "0", "0")
        for one in groups
    ]
    return [
        table(
            "Missed cancers, of images with a known outcome",
            (
                DIMENSION_NAMES[found.judgements[0].grouping].lower(),
                "positives",
                "not flagged",
                "not screened",
            ),
            rows,
        )
    ]


def outcomes(found: Audit) -> list[Node]:
    """Share with outcome by group and flag; what sensitivity and specificity are if that is not by chance."""
    grouping = found.judgements[0].grouping
    groups = registered(found, grouping)
    shares = [
        (
            one.name,
            share(it.flagged_with_outcome_share if it else None),
            share(it.unflagged_with_outcome_share if it else None),
            count(it.with_outcome if it else 0),
            count(it.contradictory if it else 0),
        )
        for one in groups
        for it in (one.described,)
    ]
    everybody = next(iter(found.description.get("all", ())), None)
    return [
        prose("p", verification_note(found) if everybody else "There is no image."),
        figure(
            verification_drawing(groups),
            "Plain bar: flagged images. Hatched bar: images that were not flagged.",
        ),
        table(
            "Images with a known outcome",
            (
                DIMENSION_NAMES[grouping].lower(),
                "of flagged",
                "of not flagged",
                "with outcome",
                "contradictory (excluded)",
            ),
            shares,
        ),
        weighted(found),
        *sampled(found),
        standards(found),
    ]


def skin_types(found: Audit) -> list[Node]:
    """Source and missingness, by outcome."""
    rows = [
        (
            group_name(one.group_value, "fst_source"),
            *(count(value) for value in (one.images, one.positives, one.negatives)),
            count(one.screened - one.with_outcome),
        )
        for one in found.description.get("fst_source", ())
    ]
    return [
        tag("p", skin_type_note(found)),
        table(
            "Images by source of the skin type",
            ("source", "images", "positives", "negatives", "screened, no usable outcome"),
            rows,
        ),
    ]
