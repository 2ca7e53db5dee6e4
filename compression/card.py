"""CARD.md, written from the manifest alone so that the two cannot disagree (Mitchell et al. 2019)."""

from evenscreen.compression.card_evidence import by_skin_type, compared, figure, table, unknown_types
from evenscreen.schemas.manifest import Manifest, Photographs

TEMPLATE = """\
# {name}

Research demonstration, not a medical device. Version `{version}`.

## Model
- A classifier of {labels}
  with {parameters:,} parameters{macs}, {form}; {malignant} count as malignant.
- Takes `uint8 [N, {height}, {width}, 3]` (RGB; shorter side scaled, centre cropped) and gives logits
  `float32 [N, {classes}]`.
- Score: 10,000 times the calibrated probability of malignancy, as an integer. At {threshold:,} or above an
  image is flagged.
- Calibration: temperature {temperature}, chosen on {calibration_split}.
- `model.onnx`, SHA-256 `{sha256}`
{origin}
## Intended use
{intended_use}
Modality: {modality}. For research and for showing this system at work.

## Do not use it
- to diagnose, to treat, or to tell anybody that a lesion is harmless;
- on images of any other kind than {modality}, which it has not learned from;
- for any commercial purpose: the licence of its data forbids that;
- as evidence that screening is even across skin types: see below.

## Data
{data}

Licence: {licence}. SHA-256 over labels and images: `{data_sha256}`.
Train, and unlabelled images where they are named above, fitted the weights; val chose which of them to keep,
the temperature and the threshold; test judged the finished model only. The shares of diagnoses are those of a
specialist referral collection; probabilities hold for that mixture only.
{photographs}
## Results
{results}

AUROC is that of malignant against benign, one view of one image per lesion; limits are 95 % (DeLong for
areas, Wilson for proportions). The operating point aims at a sensitivity of {target:.2f} and was chosen on
{operating_split} with this very file, so the figures on {operating_split} are optimistic.
{compared}{groups}
## Speed
{latency}

Median of the model's run alone, in the least disturbed of eight rounds; decoding is not in it.

## What is not known
- **Skin type: {unknown}
- Other cameras, clinics and countries, children, nails, mucosa, and lesions outside these {classes} classes.
- Whether it helps or harms a clinician who sees its score.
- Its speed and, where it is INT8, its answers on processors unlike the one named above: measure before use.

## Make it again
`evenscreen model build {recipe}` with {folders}. Seed {seed},
recipe SHA-256 `{recipe_sha256}`. Made with {versions}.
{learned}Training sums in an order that depends on the processor, and a later version of evenscreen may
learn otherwise: a new file is another network of about the same quality, not the same bytes.
"""

FORMS = {"fp32": "in FP32", "fp16": "with weights in FP16", "int8": "quantised to INT8"}


def card(manifest: Manifest) -> str:
    """The card of the model that `manifest` describes, as Markdown."""
    lineage, operating = manifest.lineage, manifest.operating_point
    return TEMPLATE.format(
        name=manifest.name,
        version=manifest.model_version,
        sha256=manifest.sha256,
        parameters=manifest.parameters,
        macs=f" and {manifest.macs / 1e6:,.0f} million multiply-accumulates per image"
        if manifest.macs
        else "",
        form=FORMS[manifest.form],
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
        origin=_origin(manifest),
        intended_use=manifest.intended_use,
        modality=manifest.intended_modality,
        data=lineage.data,
        licence=lineage.data_licence,
        data_sha256=lineage.data_sha256,
        photographs=_photographs(lineage.photographs),
        folders=_folders(lineage.photographs),
        results=_results(manifest),
        compared=compared(manifest),
        groups=by_skin_type(manifest),
        latency=_latency(manifest),
        unknown=unknown_types(manifest),
        recipe=lineage.recipe,
        recipe_sha256=lineage.recipe_sha256,
        seed=lineage.seed,
        learned=f"Its weights were learned on {lineage.learned_on}.\n" if lineage.learned_on else "",
        versions=", ".join(f"{name} {version}" for name, version in lineage.versions.items()),
    )


def _origin(manifest: Manifest) -> str:
    """Parent, what was done to it, and whose weights taught it; nothing for a model that was just trained."""
    lineage = manifest.lineage
    said = []
    if lineage.parent_sha256:
        size = f" of {lineage.parent_parameters:,} parameters" if lineage.parent_parameters else ""
        said.append(f"- Compressed from a parent{size}, FP32 file SHA-256 `{lineage.parent_sha256}`.")
    if done := lineage.compression:
        ranked = f", channels ranked by `{done.importance}`" if done.importance else ""
        said.append(
            f"- {done.removed:.0%} of its parameters removed{ranked}; quantisation: {done.quantisation}."
        )
    if guide := lineage.guide:
        said.append(
            f"- Taught at first by pretrained weights: {guide.name} ({guide.source}). {guide.licence}"
        )
    return f"\n## Where it comes from\n{chr(10).join(said)}\n" if said else ""


def _photographs(used: Photographs | None) -> str:
    """The second data set: what it is, what it was used for, and that it taught nothing."""
    if used is None:
        return ""
    guiding, judging = used.guided_pruning, used.judged
    guided = (
        f"One ({guiding.images} images of {guiding.patients} patients) ranked, beside training images, the "
        "units that pruning removed: it chose the shape of the network and fitted no weight. The other"
        if guiding
        else "Nothing here was made with the first. The second"
    )
    return (
        f"\nReported skin types: {used.data}\n\n"
        f"Licence: {used.licence}. SHA-256 over labels and images: `{used.sha256}`.\n"
        f"Parted by patient into two. {guided} ({judging.images} images of {judging.patients} patients)\n"
        f"judged the finished model: below, by reported skin type. {used.without_type} photographs without a "
        "recorded type were not used.\n"
    )


def _folders(used: Photographs | None) -> str:
    if used is None:
        return "the data folder named by `EVENSCREEN_HAM10000`"
    without = "units that pruning removes and the comparison" if used.guided_pruning else "the comparison"
    return (
        "the data folders named by `EVENSCREEN_HAM10000` and `EVENSCREEN_PADUFES` (without the\n"
        f"second, {without} come out otherwise)"
    )


def _results(manifest: Manifest) -> str:
    rows = [
        [
            result.split,
            result.form.upper(),
            str(result.n),
            str(result.positives),
            *map(figure, (result.auroc, result.sensitivity, result.specificity)),
        ]
        for result in manifest.results
    ]
    return table("split|form", "images|malignant|AUROC|sensitivity|specificity", rows)


def _latency(manifest: Manifest) -> str:
    rows = [
        [str(entry.batch), str(entry.threads), f"{entry.median_ms:.2f}", entry.machine]
        for entry in manifest.latency
    ]
    return table("", "batch|threads|median ms", rows, "machine")
