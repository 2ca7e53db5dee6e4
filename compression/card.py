"""CARD.md, written from the manifest alone so that the two cannot disagree (Mitchell et al. 2019)."""

from evenscreen.schemas.manifest import Interval, Manifest

TEMPLATE = """\
# {name}

Research demonstration, not a medical device. Version `{version}`.

## Model
- A classifier of {labels}
  with {parameters:,} parameters, quantised to INT8; {malignant} count as malignant.
- Takes `uint8 [N, {height}, {width}, 3]` (RGB; shorter side scaled, centre cropped) and gives logits
  `float32 [N, {classes}]`.
- Score: 10,000 times the calibrated probability of malignancy, as an integer. At {threshold:,} or above an
  image is flagged.
- Calibration: temperature {temperature}, chosen on {calibration_split}.
- `model.onnx`, SHA-256 `{sha256}`

## Intended use
{intended_use}
Modality: {modality}. For research and for showing this system at work.

## Do not use it
- to diagnose, to treat, or to tell anybody that a lesion is harmless;
- on images of any other kind than {modality}, which it has never seen;
- for any commercial purpose: the licence of its data forbids that;
- as evidence that screening is even across skin types: see below.

## Data
{data}

Licence: {licence}. SHA-256 over labels and images: `{data_sha256}`.
Train fitted the weights; val chose between their last and averaged form, the temperature and the threshold;
test was read once, at the end. The shares of diagnoses are those of a specialist
referral collection; probabilities hold for that mixture only.

## Results
{results}

AUROC is that of malignant against benign, one view of one image per lesion; limits are 95 % (DeLong for
areas, Wilson for proportions). The operating point aims at a sensitivity of {target:.2f} and was chosen on
{operating_split} with the INT8 file, so the figures on {operating_split} are optimistic.

## Speed
{latency}

Median of the model's run alone, in the least disturbed of eight rounds; decoding is not in it.

## What is not known
- **Skin type: {groups}
- Other cameras, clinics and countries, children, nails, mucosa, and lesions outside these {classes} classes.
- Whether it helps or harms a clinician who sees its score.
- INT8 on processors unlike the one named above: measure before use.

## Make it again
`evenscreen model build {recipe}` with the data folder named by `EVENSCREEN_HAM10000`. Seed {seed},
recipe SHA-256 `{recipe_sha256}`{parent}. Made with {versions}.
Training sums in an order that depends on the processor, so a new file will differ in its last digits.
"""

NO_GROUPS = (
    "no evidence at all.** The data records none, so nothing is known about how well it works on any "
    "Fitzpatrick type, on dark skin least of all."
)


def card(manifest: Manifest) -> str:
    """The card of the model that `manifest` describes, as Markdown."""
    lineage, operating = manifest.lineage, manifest.operating_point
    return TEMPLATE.format(
        name=manifest.name,
        version=manifest.model_version,
        sha256=manifest.sha256,
        parameters=manifest.parameters,
        labels=", ".join(manifest.labels),
        classes=len(manifest.labels),
        malignant=", ".join(manifest.malignant),
        height=manifest.preprocessing.height,
        width=manifest.preprocessing.width,
        threshold=operating.threshold,
        target=operating.target_sensitivity,
        operating_split=operating.split,
        temperature=manifest.calibration.temperature,
        calibration_split=manifest.calibration.split,
        intended_use=manifest.intended_use,
        modality=manifest.intended_modality,
        data=lineage.data,
        licence=lineage.data_licence,
        data_sha256=lineage.data_sha256,
        results=_results(manifest),
        latency=_latency(manifest),
        groups=f"{', '.join(manifest.groups)} only.**" if manifest.groups else NO_GROUPS,
        recipe=lineage.recipe,
        recipe_sha256=lineage.recipe_sha256,
        parent=f", parent SHA-256 `{lineage.parent_sha256}`" if lineage.parent_sha256 else "",
        seed=lineage.seed,
        versions=", ".join(f"{name} {version}" for name, version in lineage.versions.items()),
    )


def _results(manifest: Manifest) -> str:
    rows = [
        "| split | form | images | malignant | AUROC | sensitivity | specificity |",
        "|---|---|" + "---:|" * 5,
    ]
    for result in manifest.results:
        figures = (result.auroc, result.sensitivity, result.specificity)
        cells = [
            result.split,
            result.form.upper(),
            str(result.n),
            str(result.positives),
            *map(_figure, figures),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _latency(manifest: Manifest) -> str:
    rows = ["| batch | threads | median ms | machine |", "|---:|---:|---:|---|"]
    rows += [
        f"| {entry.batch} | {entry.threads} | {entry.median_ms:.2f} | {entry.machine} |"
        for entry in manifest.latency
    ]
    return "\n".join(rows)


def _figure(interval: Interval | None) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f}–{interval.high:.3f})" if interval else "not measured"
