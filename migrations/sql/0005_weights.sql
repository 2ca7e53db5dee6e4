-- Outcomes come mostly for flagged images. What would be seen if every image had one?

CREATE FUNCTION figures.cells_by_site(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, keys text[],
    through integer
)
RETURNS TABLE (
    group_index integer,
    site text,
    flagged boolean,
    malignant boolean,
    score integer,
    images bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT g.group_index, g.site, g.flagged, g.malignant, g.score, sum(g.sign)::bigint
    FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
    WHERE g.outcome = 'screened'
    -- The number first: where rows are sorted, words are then hardly ever compared.
    GROUP BY g.score, g.group_index, g.flagged, g.malignant, g.site
    HAVING sum(g.sign) <> 0;
END;
COMMENT ON FUNCTION figures.cells_by_site(timestamptz, timestamptz, timestamptz, text, text, text, text[], integer) IS
    'Screened images per group, site, flag, outcome (NULL without a usable one) and exact score.';

CREATE FUNCTION audit.weighted_scores(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    dimension text DEFAULT 'fst_group',
    source text DEFAULT 'reported',
    bins integer DEFAULT 20
)
RETURNS TABLE (
    group_value text,
    score integer,
    flagged boolean,
    images bigint,
    positives bigint,
    negatives bigint,
    weight_of_positives double precision,
    weight_of_negatives double precision,
    square_of_positives double precision,
    square_of_negatives double precision
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
-- Few groups come of many cases, which the planner cannot know: let workers count.
SET parallel_tuple_cost = 0.0005
AS $$
#variable_conflict use_column
DECLARE
    keys text[];
    through integer := figures.last_increment(as_of);
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, dimension, source);
    IF bins IS NULL OR bins NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'bins must be between 1 and 10000' USING ERRCODE = '22023';
    END IF;
    keys := figures.group_keys(as_of, model, dimension, source);
    RETURN QUERY
    WITH cells AS MATERIALIZED (
        SELECT
            s.group_index, coalesce('=' || s.site, '') AS site, s.score, s.flagged, s.malignant, s.images,
            least(s.score::bigint * bins / 10000, bins - 1)::integer AS bin
        FROM figures.cells_by_site(since, until, as_of, model, dimension, source, keys, through) AS s
    ),
    strata AS (
        SELECT
            s.*,
            sum(s.known) OVER (PARTITION BY s.group_index, s.flagged, s.site) AS known_at_site
        FROM (
            SELECT
                c.group_index, c.flagged, c.site, c.bin, sum(c.images) AS images,
                coalesce(sum(c.images) FILTER (WHERE c.malignant IS NOT NULL), 0) AS known
            FROM cells AS c
            GROUP BY c.group_index, c.flagged, c.site, c.bin
        ) AS s
    ),
    -- A bin without an outcome joins the next one above that has one, else the highest that has.
    hosted AS (
        SELECT
            s.*,
            coalesce(
                min(s.bin) FILTER (WHERE s.known > 0) OVER (
                    PARTITION BY s.group_index, s.flagged, s.site ORDER BY s.bin
                    ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
                ),
                max(s.bin) FILTER (WHERE s.known > 0) OVER (PARTITION BY s.group_index, s.flagged, s.site)
            ) AS host
        FROM strata AS s
        WHERE s.known_at_site > 0
    ),
    own AS (
        SELECT h.group_index, h.flagged, h.site, h.host, sum(h.images) / sum(h.known) AS weight
        FROM hosted AS h
        GROUP BY h.group_index, h.flagged, h.site, h.host
    ),
    -- A site without any outcome is stood for by all others.
    pooled AS (
        SELECT
            p.*,
            coalesce(
                min(p.bin) FILTER (WHERE p.known > 0) OVER (
                    PARTITION BY p.group_index, p.flagged ORDER BY p.bin
                    ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
                ),
                max(p.bin) FILTER (WHERE p.known > 0) OVER (PARTITION BY p.group_index, p.flagged)
            ) AS host
        FROM (
            SELECT
                s.group_index, s.flagged, s.bin, sum(s.known) AS known,
                coalesce(sum(s.images) FILTER (WHERE s.known_at_site = 0), 0) AS images
            FROM strata AS s
            GROUP BY s.group_index, s.flagged, s.bin
        ) AS p
    ),
    others AS (
        SELECT p.group_index, p.flagged, p.host, sum(p.images) / sum(p.known) AS weight
        FROM pooled AS p
        WHERE p.host IS NOT NULL
        GROUP BY p.group_index, p.flagged, p.host
    ),
    weighted AS (
        SELECT c.*, (w.weight + t.weight)::double precision AS weight
        FROM cells AS c
        LEFT JOIN own AS w
            ON w.group_index = c.group_index AND w.flagged = c.flagged AND w.site = c.site AND w.host = c.bin
        LEFT JOIN others AS t
            ON t.group_index = c.group_index AND t.flagged = c.flagged AND t.host = c.bin
    )
    SELECT
        nullif(substr(keys[w.group_index], 2), ''), w.score, w.flagged, sum(w.images)::bigint,
        coalesce(sum(w.images) FILTER (WHERE w.malignant), 0)::bigint,
        coalesce(sum(w.images) FILTER (WHERE NOT w.malignant), 0)::bigint,
        coalesce(sum(w.images * w.weight) FILTER (WHERE w.malignant), 0),
        coalesce(sum(w.images * w.weight) FILTER (WHERE NOT w.malignant), 0),
        coalesce(sum(w.images * w.weight ^ 2) FILTER (WHERE w.malignant), 0),
        coalesce(sum(w.images * w.weight ^ 2) FILTER (WHERE NOT w.malignant), 0)
    FROM weighted AS w
    GROUP BY w.group_index, w.score, w.flagged
    ORDER BY w.group_index, w.score;
END;
$$;
COMMENT ON FUNCTION audit.weighted_scores(timestamptz, timestamptz, timestamptz, text, text, text, integer) IS
    'Screened images by exact score, and those with an outcome weighted by the inverse of the verified share of '
    'their stratum: group, flag, site and one of `bins` score bins. Sums of the weights are what would be seen '
    'if every image were verified, provided that verification depends on score, group and site only. A bin '
    'without an outcome joins the next above that has one, else the highest; a site without an outcome is stood '
    'for by all others. '
    'group_value: the group, NULL where unknown. '
    'score: calibrated probability of malignancy x 10,000. '
    'flagged: whether it reached the threshold. '
    'images: all of them. '
    'positives, negatives: those with an outcome that nothing contradicts. '
    'weight_of_positives, weight_of_negatives: sums of their weights. '
    'square_of_positives, square_of_negatives: sums of the squared weights: (Σw)²/Σw² is how many independent '
    'images tell as much.';

CREATE FUNCTION audit.reference_standards(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    dimension text DEFAULT 'fst_group',
    source text DEFAULT 'reported'
)
RETURNS TABLE (
    group_value text,
    label_source text,
    verification_reason text,
    positives bigint,
    true_positives bigint,
    negatives bigint,
    true_negatives bigint,
    contradictory bigint,
    drawn bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET parallel_tuple_cost = 0.0005
AS $$
#variable_conflict use_column
DECLARE
    keys text[];
    through integer := figures.last_increment(as_of);
BEGIN
    PERFORM figures.check_question(since, until, as_of, model, dimension, source);
    keys := figures.group_keys(as_of, model, dimension, source);
    RETURN QUERY
    SELECT
        nullif(substr(keys[n.group_index], 2), ''), n.label_source, n.verification_reason,
        coalesce(sum(n.images) FILTER (WHERE n.malignant), 0)::bigint,
        coalesce(sum(n.images) FILTER (WHERE n.malignant AND n.flagged), 0)::bigint,
        coalesce(sum(n.images) FILTER (WHERE NOT n.malignant), 0)::bigint,
        coalesce(sum(n.images) FILTER (WHERE NOT n.malignant AND NOT n.flagged), 0)::bigint,
        coalesce(sum(n.images) FILTER (WHERE n.contradictory), 0)::bigint,
        coalesce(sum(n.images) FILTER (WHERE n.drawn), 0)::bigint
    FROM (
        SELECT
            array_position(keys, figures.group_key(
                dimension, o.fst, o.fst_source, o.site, o.modality, o.age_band, o.sex, o.body_site, o.device
            )) AS group_index,
            o.label_source, o.verification_reason, o.malignant, o.flagged, o.contradictory, o.drawn, o.images
        FROM (
            SELECT
                s.fst, s.fst_source, s.site, s.modality, s.age_band, s.sex, s.body_site, s.device,
                s.label_source, s.verification_reason, s.malignant, s.flagged, s.contradictory,
                e.drawn, e.images
            FROM (
                SELECT t.stratum_id, t.sampling_probability < 1 AS drawn, sum(t.sign) AS images
                FROM public.audit_entries AS t
                WHERE t.last_modified >= since AND t.last_modified < until AND t.increment_id <= through
                GROUP BY 1, 2
            ) AS e
            JOIN public.audit_strata AS s ON s.stratum_id = e.stratum_id
            WHERE s.model_version = model AND s.outcome = 'screened' AND s.label_source IS NOT NULL
            UNION ALL
            SELECT
                c.fst, c.fst_source, c.site, c.modality, c.age_band, c.sex, c.body_site, c.device,
                c.label_source, c.verification_reason, c.malignant, c.flagged, c.contradictory,
                c.sampling_probability < 1, c.sign
            FROM figures.changes(as_of) AS c
            WHERE c.last_modified >= since AND c.last_modified < until
                AND c.model_version = model AND c.outcome = 'screened' AND c.label_source IS NOT NULL
        ) AS o
        WHERE figures.in_question(dimension, source, o.fst_source)
    ) AS n
    GROUP BY n.group_index, n.label_source, n.verification_reason
    HAVING sum(n.images) <> 0
    ORDER BY n.group_index, n.label_source, n.verification_reason;
END;
$$;
COMMENT ON FUNCTION audit.reference_standards(timestamptz, timestamptz, timestamptz, text, text, text) IS
    'Where outcomes of screened images come from: one row per group, reference standard and reason. '
    'group_value: the group, NULL where unknown. '
    'label_source: histopathology, consensus, follow_up or registry: the strongest report of the image. '
    'verification_reason: why it was looked for: flagged, clinical, random_sample, routine or unknown. '
    'positives, negatives: images by outcome; true_positives, true_negatives: those that the model called so. '
    'contradictory: images whose outcomes disagree; in no other column. '
    'drawn: images whose outcome came of a random draw: it carries a sampling probability below 1.';
