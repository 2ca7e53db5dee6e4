-- Weights for missing outcomes from counts as they come: what is weighted and added need not be merged before.

CREATE OR REPLACE FUNCTION figures.cells_by_site(
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
    SELECT g.group_index, g.site, k.flagged, k.malignant, s.number AS score, s.images
    FROM figures.counted(since, until, through, model, source, ARRAY[11], false) AS s
    JOIN (
        SELECT
            t.group_id, t.site,
            array_position(keys, figures.group_key(
                cells_by_site.dimension, t.value::smallint, t.fst_source, t.site, NULL, NULL, NULL, NULL, NULL
            )) AS group_index
        FROM public.audit_groups AS t
        WHERE t.number = 11 AND t.model_version = model
        -- Groups nothing, as the key is unique; keeps the search above from being done once per score.
        GROUP BY t.group_id
    ) AS g ON g.group_id = s.group_id
    JOIN public.audit_kinds AS k ON k.kind_id = s.kind_id
    WHERE dimension IN ('fst', 'fst_group') AND k.outcome = 'screened'
    UNION ALL
    SELECT
        array_position(keys, figures.group_key(
            dimension, n.fst, n.fst_source, n.site, n.modality, n.age_band, n.sex, n.body_site, n.device
        )),
        n.site, n.flagged, n.malignant, n.score::integer, n.sign
    FROM figures.changes(as_of) AS n
    WHERE dimension IN ('fst', 'fst_group') AND n.outcome = 'screened' AND n.model_version = model
        AND n.last_modified >= since AND n.last_modified < until
        AND figures.in_question(dimension, source, n.fst_source)
    UNION ALL
    SELECT g.group_index, g.site, g.flagged, g.malignant, g.score, g.sign
    FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
    WHERE dimension NOT IN ('fst', 'fst_group') AND g.outcome = 'screened';
END;
COMMENT ON FUNCTION figures.cells_by_site(timestamptz, timestamptz, timestamptz, text, text, text, text[], integer) IS
    'Screened images per group, site, flag, outcome (NULL without a usable one) and exact score: of one cell several '
    'rows, some of them negative, which are to be added.';

CREATE OR REPLACE FUNCTION audit.weighted_scores(
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
-- Nor how few: it would sort cells instead of hashing them.
SET enable_sort = off
SET enable_nestloop = on
SET jit = off
SET plan_cache_mode = force_custom_plan
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
            s.group_index, coalesce('=' || s.site, '') AS site, s.score, s.flagged, s.malignant,
            s.images::integer AS images, least(s.score::bigint * bins / 10000, bins - 1)::integer AS bin
        FROM figures.cells_by_site(since, until, as_of, model, dimension, source, keys, through) AS s
    ),
    binned AS MATERIALIZED (
        SELECT
            c.group_index, c.flagged, c.site, c.bin, sum(c.images) AS images,
            coalesce(sum(c.images) FILTER (WHERE c.malignant IS NOT NULL), 0) AS known
        FROM cells AS c
        GROUP BY c.group_index, c.flagged, c.site, c.bin
    ),
    strata AS (
        SELECT b.*, sum(b.known) OVER (PARTITION BY b.group_index, b.flagged, b.site) AS known_at_site
        FROM binned AS b
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
    weights AS (
        SELECT w.group_index, w.flagged, w.site, w.host, (w.weight + t.weight)::double precision AS weight
        FROM own AS w
        JOIN others AS t ON t.group_index = w.group_index AND t.flagged = w.flagged AND t.host = w.host
    ),
    summed AS (
        SELECT
            c.group_index, c.score, c.flagged, sum(c.images) AS images,
            coalesce(sum(c.images) FILTER (WHERE c.malignant), 0) AS positives,
            coalesce(sum(c.images) FILTER (WHERE NOT c.malignant), 0) AS negatives,
            sum(c.images * w.weight) FILTER (WHERE c.malignant) AS weight_of_positives,
            sum(c.images * w.weight) FILTER (WHERE NOT c.malignant) AS weight_of_negatives,
            sum(c.images * (w.weight * w.weight)) FILTER (WHERE c.malignant) AS square_of_positives,
            sum(c.images * (w.weight * w.weight)) FILTER (WHERE NOT c.malignant) AS square_of_negatives
        FROM cells AS c
        LEFT JOIN weights AS w
            ON w.group_index = c.group_index AND w.flagged = c.flagged AND w.site = c.site AND w.host = c.bin
        GROUP BY c.score, c.group_index, c.flagged
        HAVING sum(c.images) <> 0
    )
    SELECT
        nullif(substr(keys[s.group_index], 2), ''), s.score, s.flagged, s.images, s.positives, s.negatives,
        -- What was added and taken away again leaves a trace in sums of fractions.
        CASE WHEN s.positives = 0 THEN 0 ELSE s.weight_of_positives END,
        CASE WHEN s.negatives = 0 THEN 0 ELSE s.weight_of_negatives END,
        CASE WHEN s.positives = 0 THEN 0 ELSE s.square_of_positives END,
        CASE WHEN s.negatives = 0 THEN 0 ELSE s.square_of_negatives END
    FROM summed AS s
    ORDER BY s.group_index, s.score;
END;
$$;
