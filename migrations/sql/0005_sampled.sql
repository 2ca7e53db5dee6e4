-- Verification by random draws: every outcome that a draw brought stands for 1/π images.

CREATE FUNCTION figures.sampled_cases(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, keys text[]
)
RETURNS TABLE (
    group_index integer,
    patient bigint,
    flagged boolean,
    score integer,
    malignant boolean,
    framed boolean,
    weight double precision
)
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH draws AS MATERIALIZED (
        SELECT
            d.draw_id, d.since, d.until, d.drawn_at,
            least(d.wanted, d.population)::double precision / d.population AS probability
        FROM public.verification_draws AS d
        WHERE d.model_version = model AND d.population > 0 AND d.drawn_at <= as_of
    ),
    drawn AS MATERIALIZED (
        SELECT DISTINCT s.screening_id
        FROM draws AS d JOIN public.verification_samples AS s ON s.draw_id = d.draw_id
    )
    SELECT
        array_position(keys, figures.group_key(
            dimension, c.fst, c.fst_source, c.site, c.modality, c.age_band, c.sex, c.body_site, c.device
        )),
        coalesce(c.patient_number, -c.audit_id), c.flagged, c.score::integer, c.malignant,
        frame.probability IS NOT NULL,
        CASE
            WHEN frame.probability IS NOT NULL AND d.screening_id IS NOT NULL THEN 1 / frame.probability
            WHEN frame.probability IS NOT NULL THEN 0
            WHEN c.malignant IS NOT NULL THEN 1 / coalesce(c.sampling_probability, 1)
            ELSE 1
        END
    FROM audit.cases(since, until, as_of, model) AS c
    LEFT JOIN drawn AS d ON d.screening_id = c.screening_id
    LEFT JOIN audit.first_outcomes AS f ON f.screening_id = c.screening_id AND f.known_at <= as_of
    -- Every draw that could have drawn it: it missed them all with Π(1 - p). What draws themselves found out
    -- takes no image out of later ones.
    LEFT JOIN LATERAL (
        SELECT 1 - exp(sum(ln(greatest(1 - w.probability, 1e-300)))) AS probability
        FROM draws AS w
        WHERE NOT c.flagged AND c.last_modified >= w.since AND c.last_modified < w.until
            AND c.recorded_at <= w.drawn_at
            AND (
                d.screening_id IS NOT NULL OR c.label_known_at IS NULL
                OR least(f.known_at, c.label_known_at) > w.drawn_at
            )
    ) AS frame ON true
    WHERE c.outcome = 'screened'
        AND figures.in_question(dimension, sampled_cases.source, c.fst_source);
END;
COMMENT ON FUNCTION figures.sampled_cases(timestamptz, timestamptz, timestamptz, text, text, text, text[]) IS
    'Screened images with what each stands for: 1/π where it was drawn, 0 where a draw could have drawn it and '
    'did not, so that what was found by another way counts nothing twice; elsewhere 1/sampling_probability of '
    'its outcome, or 1. framed: whether a recorded draw could have drawn it. From rows, not from sums: draws '
    'are rare, and sums do not know them.';

CREATE FUNCTION audit.sampled_strata(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    dimension text DEFAULT 'fst_group',
    source text DEFAULT 'reported'
)
RETURNS TABLE (
    group_value text,
    flagged boolean,
    images bigint,
    positives bigint,
    negatives bigint,
    weight_of_positives double precision,
    weight_of_negatives double precision,
    square_of_positives double precision,
    square_of_negatives double precision,
    unanswered double precision,
    open bigint,
    represented double precision,
    represented_variance double precision
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
AS $$
#variable_conflict use_column
DECLARE
    keys text[];
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, dimension, source);
    keys := figures.group_keys(as_of, model, dimension, source);
    RETURN QUERY
    SELECT
        nullif(substr(keys[c.group_index], 2), ''), c.flagged, count(*),
        count(*) FILTER (WHERE c.malignant AND c.weight > 0),
        count(*) FILTER (WHERE NOT c.malignant AND c.weight > 0),
        coalesce(sum(c.weight) FILTER (WHERE c.malignant), 0),
        coalesce(sum(c.weight) FILTER (WHERE NOT c.malignant), 0),
        coalesce(sum(c.weight ^ 2) FILTER (WHERE c.malignant), 0),
        coalesce(sum(c.weight ^ 2) FILTER (WHERE NOT c.malignant), 0),
        coalesce(sum(c.weight) FILTER (WHERE c.malignant IS NULL AND c.framed), 0),
        count(*) FILTER (WHERE c.malignant IS NULL AND NOT c.framed),
        coalesce(sum(c.weight - 1) FILTER (WHERE c.malignant IS NOT NULL AND NOT c.framed), 0),
        coalesce(sum(c.weight * (c.weight - 1)) FILTER (WHERE c.malignant IS NOT NULL AND NOT c.framed), 0)
    FROM figures.sampled_cases(since, until, as_of, model, dimension, source, keys) AS c
    GROUP BY c.group_index, c.flagged
    ORDER BY c.group_index, c.flagged;
END;
$$;
COMMENT ON FUNCTION audit.sampled_strata(timestamptz, timestamptz, timestamptz, text, text, text) IS
    'Screened images by group and flag, outcomes weighted by the inverse of the probability with which they '
    'were drawn for verification (Horvitz and Thompson 1952). '
    'group_value: the group, NULL where unknown. '
    'flagged: whether the score reached the threshold. '
    'images: all of them. '
    'positives, negatives: those whose outcome counts. '
    'weight_of_positives, weight_of_negatives: how many images they stand for. '
    'square_of_positives, square_of_negatives: sums of the squared weights. '
    'unanswered: images that those stand for which were drawn and have no outcome. '
    'open: images without outcome that no recorded draw could have drawn. '
    'represented: how many of these the outcomes stand for that bring a probability from a draw not on record '
    'here; represented_variance: the variance of that number by chance.';

CREATE FUNCTION figures.sampled_effect(
    by_image double precision, by_patient double precision, patients bigint, alike double precision
) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN patients = 0 THEN NULL
    WHEN by_image <= 1e-24 THEN alike
    WHEN patients < 2 THEN NULL
    ELSE greatest(1, by_patient / by_image * patients / (patients - 1))
END;
COMMENT ON FUNCTION figures.sampled_effect(double precision, double precision, bigint, double precision) IS
    'D of a weighted rate: its variance over patients divided by that over images; where all outcomes are equal '
    'that of patients whose images all say the same.';

CREATE FUNCTION audit.sampled_components(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    dimension text DEFAULT 'fst_group',
    source text DEFAULT 'reported'
)
RETURNS TABLE (
    group_value text,
    theta double precision,
    variance double precision,
    s10 double precision,
    s01 double precision,
    positives_effective double precision,
    negatives_effective double precision,
    patients bigint,
    sensitivity_design_effect double precision,
    specificity_design_effect double precision,
    residual double precision,
    residual_variance double precision
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
AS $$
#variable_conflict use_column
DECLARE
    keys text[];
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, dimension, source);
    keys := figures.group_keys(as_of, model, dimension, source);
    RETURN QUERY
    WITH used AS MATERIALIZED (
        SELECT
            c.group_index AS i, c.patient, c.flagged, c.score, c.malignant, c.weight,
            c.malignant::integer - c.score / 10000.0::double precision AS residual
        FROM figures.sampled_cases(since, until, as_of, model, dimension, source, keys) AS c
        WHERE c.malignant IS NOT NULL AND c.weight > 0
    ),
    totals AS MATERIALIZED (
        SELECT
            u.i,
            sum(u.weight) AS w,
            sum(u.weight) FILTER (WHERE u.malignant) AS p,
            sum(u.weight) FILTER (WHERE NOT u.malignant) AS n,
            sum(u.weight ^ 2) FILTER (WHERE u.malignant) AS p_square,
            sum(u.weight ^ 2) FILTER (WHERE NOT u.malignant) AS n_square,
            sum(u.weight) FILTER (WHERE u.malignant AND u.flagged) AS caught,
            sum(u.weight) FILTER (WHERE NOT u.malignant AND NOT u.flagged) AS spared,
            sum(u.weight * u.residual) / sum(u.weight) AS residual
        FROM used AS u
        GROUP BY u.i
    ),
    -- Weighted placements of a score: the share of negatives below, and of positives above, a tie one half.
    placed AS MATERIALIZED (
        SELECT
            s.i, s.score, s.positives,
            (sum(s.negatives) OVER rising - s.negatives / 2) / t.n AS v10,
            1 - (sum(s.positives) OVER rising - s.positives / 2) / t.p AS v01
        FROM (
            SELECT
                u.i, u.score,
                coalesce(sum(u.weight) FILTER (WHERE u.malignant), 0) AS positives,
                coalesce(sum(u.weight) FILTER (WHERE NOT u.malignant), 0) AS negatives
            FROM used AS u
            GROUP BY u.i, u.score
        ) AS s
        JOIN totals AS t ON t.i = s.i
        WINDOW rising AS (PARTITION BY s.i ORDER BY s.score)
    ),
    areas AS (
        SELECT a.i, sum(a.positives * a.v10) / max(t.p) AS theta
        FROM placed AS a JOIN totals AS t ON t.i = a.i
        GROUP BY a.i
    ),
    -- What each image adds to the figures of its group.
    added AS MATERIALIZED (
        SELECT
            u.i, u.patient, u.malignant, u.weight,
            CASE WHEN u.malignant THEN a.v10 ELSE a.v01 END - x.theta AS place,
            u.weight * CASE WHEN u.malignant THEN (a.v10 - x.theta) / t.p ELSE (a.v01 - x.theta) / t.n END AS area,
            CASE WHEN u.malignant
                THEN u.weight * (u.flagged::integer - coalesce(t.caught, 0) / t.p) / t.p END AS caught,
            CASE WHEN NOT u.malignant
                THEN u.weight * ((NOT u.flagged)::integer - coalesce(t.spared, 0) / t.n) / t.n END AS spared,
            u.weight * (u.residual - t.residual) / t.w AS residual
        FROM used AS u
        JOIN totals AS t ON t.i = u.i
        JOIN placed AS a ON a.i = u.i AND a.score = u.score
        JOIN areas AS x ON x.i = u.i
    ),
    by_image AS (
        SELECT
            a.i, sum(a.caught ^ 2) AS caught, sum(a.spared ^ 2) AS spared, sum(a.residual ^ 2) AS residual,
            count(*) AS images,
            sum(a.weight * a.place ^ 2) FILTER (WHERE a.malignant) AS v10_square,
            sum(a.weight * a.place ^ 2) FILTER (WHERE NOT a.malignant) AS v01_square
        FROM added AS a
        GROUP BY a.i
    ),
    by_patient AS (
        SELECT
            p.i, count(*) AS patients, count(p.p) AS p_patients, count(p.n) AS n_patients,
            sum(p.area ^ 2) AS area, sum(p.caught ^ 2) AS caught, sum(p.spared ^ 2) AS spared,
            sum(p.residual ^ 2) AS residual, sum(p.p ^ 2) AS p_square, sum(p.n ^ 2) AS n_square
        FROM (
            SELECT
                a.i, a.patient, sum(a.area) AS area, sum(a.caught) AS caught, sum(a.spared) AS spared,
                sum(a.residual) AS residual,
                sum(a.weight) FILTER (WHERE a.malignant) AS p, sum(a.weight) FILTER (WHERE NOT a.malignant) AS n
            FROM added AS a
            GROUP BY a.i, a.patient
        ) AS p
        GROUP BY p.i
    )
    SELECT
        nullif(substr(keys[t.i], 2), ''),
        x.theta,
        b.area * b.patients / nullif(b.patients - 1, 0),
        CASE WHEN t.p ^ 2 > t.p_square THEN m.v10_square / t.p / (1 - t.p_square / t.p ^ 2) END,
        CASE WHEN t.n ^ 2 > t.n_square THEN m.v01_square / t.n / (1 - t.n_square / t.n ^ 2) END,
        t.p ^ 2 / t.p_square,
        t.n ^ 2 / t.n_square,
        b.patients,
        figures.sampled_effect(m.caught, b.caught, b.p_patients, b.p_square / t.p_square),
        figures.sampled_effect(m.spared, b.spared, b.n_patients, b.n_square / t.n_square),
        t.residual,
        CASE WHEN b.patients > 1 THEN greatest(
            b.residual * b.patients / (b.patients - 1), m.residual * m.images / (m.images - 1)
        ) END
    FROM totals AS t
    JOIN areas AS x ON x.i = t.i
    JOIN by_image AS m ON m.i = t.i
    JOIN by_patient AS b ON b.i = t.i
    ORDER BY keys[t.i];
END;
$$;
COMMENT ON FUNCTION audit.sampled_components(timestamptz, timestamptz, timestamptz, text, text, text) IS
    'What the verdict on each group is computed from where outcomes came of random draws: figures of '
    'audit.components with every image weighted as in audit.sampled_strata, variances by linearisation over '
    'patients. '
    'group_value: the group, NULL where unknown. '
    'theta: weighted AUROC; variance: of it, clustered; s10, s01: weighted variances of the placements. '
    'positives_effective, negatives_effective: (Σw)²/Σw²: how many unweighted images tell as much. '
    'patients: of images that count. '
    'sensitivity_design_effect, specificity_design_effect: clustered variance over that of single images, at '
    'least 1; NULL where one patient has all images. '
    'residual: weighted mean of outcome minus probability; residual_variance: of it.';
