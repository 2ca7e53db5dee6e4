-- Weights for missing outcomes know scores by skin type and site from sums, not from rows.

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
    SELECT c.group_index, c.site, c.flagged, c.malignant, c.score, sum(c.images)::bigint
    FROM (
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
        WHERE dimension NOT IN ('fst', 'fst_group') AND g.outcome = 'screened'
    ) AS c
    -- The number first: where rows are sorted, words are then hardly ever compared.
    GROUP BY c.score, c.group_index, c.flagged, c.malignant, c.site
    HAVING sum(c.images) <> 0;
END;

ALTER FUNCTION audit.weighted_scores(timestamptz, timestamptz, timestamptz, text, text, text, integer)
    SET enable_nestloop = on SET jit = off SET plan_cache_mode = force_custom_plan;
