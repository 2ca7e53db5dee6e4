"""An audit as one HTML page for auditors and regulators: no request, no script, made to be printed.

The order is that of the reading: is everything in it, what does it say, about what, and on which figures.
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from evenscreen.infra.show.audit_declared import declared
from evenscreen.infra.show.audit_figures import described, explored, figures_of_groups
from evenscreen.infra.show.audit_headline import headline, notes
from evenscreen.infra.show.audit_markup import items, prose, rendered, section, stylesheet, tag
from evenscreen.infra.show.audit_outcomes import missed, outcomes, skin_types
from evenscreen.infra.show.audit_style import STYLE
from evenscreen.infra.show.audit_subject import completeness, subject
from evenscreen.infra.show.audit_verdicts import secondary, trends, verdicts
from evenscreen.infra.show.audit_words import KIND_NAMES, plain
from evenscreen.pipeline.audit.imports import sentences
from evenscreen.pipeline.audit.result import Audit, Conclusion
from evenscreen.schemas.manifest import Manifest

TONES: dict[Conclusion, str] = {
    "even": "even",
    "uneven": "uneven",
    "insufficient evidence": "open",
    "incomplete": "open",
    "no verdict": "open",
}
LIMITS = (
    "Figures are those of the model alone at its threshold. Whether a flag was acted on by itself or read "
    "beside a clinician is not on record, so nothing here is the accuracy of a clinician with the model.",
    "Limits beside a group's figure are 95 % limits of that group alone. Limits of a gap allow for all pairs "
    "of groups, those of the nightly verdict also for looking every night; in an exploratory window they are "
    "of each pair by itself.",
    "Histopathology, expert consensus, clinical follow-up and registry follow-up are different reference "
    "standards: a figure of one says little about another, so each stands by itself beside their sum.",
    "`uneven` says that a gap exists; only `beyond margin: proven` says that it is larger than the margin.",
    "Flag rate, PPV, NPV, calibration error and latency are descriptive: with different prevalence they "
    "differ between groups for a model that is equally accurate in all.",
    "Calibration error depends on the number of cases: read it beside that of a perfect model of the same "
    "size, and never between groups.",
)


def page(found: Audit, history: Sequence[Audit] = (), manifest: Manifest | None = None) -> str:
    """The page. `history`: earlier nightly audits; `manifest`: of the audited model, for what it declares."""
    if manifest is not None and manifest.model_version != found.subject.model_version:
        raise ValueError("the manifest is that of another model")
    return rendered(
        tag(
            "html",
            tag(
                "head",
                tag("meta", charset="utf-8"),
                tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
                tag("title", f"Fairness audit of {plain(found.subject.model_version)}"),
                stylesheet(STYLE),
            ),
            tag(
                "body",
                tag("header", *_header(found)),
                tag("main", *_main(found, history, manifest)),
                _footer(found),
            ),
            lang="en",
        )
    )


def _header(found: Audit) -> list[Element]:
    own = found.subject
    imports = list(sentences(found.completeness.unfinished_imports))
    tone = "even" if found.completeness.complete and not imports else "open"
    return [
        tag("h1", "Fairness audit across skin types"),
        tag(
            "p",
            f"{plain(own.model_version)} · {KIND_NAMES[own.kind]} · known at {own.as_of:%Y-%m-%d}",
            class_="under",
        ),
        tag(
            "div",
            tag(
                "p",
                f"Completeness: {'complete' if found.completeness.complete else 'incomplete'}",
                class_="word",
            ),
            tag("p", found.completeness.sentence),
            *(tag("p", sentence) for sentence in imports),
            class_=f"verdict {tone}",
        ),
        tag(
            "div",
            tag("p", f"Conclusion: {found.conclusion}", class_="word"),
            prose("p", headline(found)),
            class_=f"verdict {TONES[found.conclusion]}",
        ),
    ]


def _main(found: Audit, history: Sequence[Audit], manifest: Manifest | None) -> list[Element]:
    parts = (
        ("Completeness", "completeness", completeness(found)),
        ("What was audited", "subject", subject(found, manifest)),
        ("Verdicts", "verdicts", verdicts(found)),
        ("Figures by group", "figures", figures_of_groups(found)),
        ("Missed cancers", "missed", missed(found)),
        ("Who has a known outcome", "outcomes", outcomes(found)),
        ("Where skin types come from", "sources", skin_types(found)),
        ("Night by night", "trend", trends(found, history)),
        ("The other grouping", "secondary", [*secondary(found), *described(found)]),
        ("Declared and observed", "declared", declared(found, manifest)),
        ("By age, sex, body site, site and device", "explored", explored(found)),
        ("How to read this", "limits", [items((*notes(found), *LIMITS))]),
    )
    return [section(title, identity, *content) for title, identity, content in parts]


def _footer(found: Audit) -> Element:
    own = found.subject
    return tag(
        "footer",
        tag(
            "p",
            f"evenscreen {own.code_version} · input SHA-256 {own.input_sha256} · plan {own.plan_version}",
            class_="under",
        ),
    )
