-- Weights for missing outcomes need exact scores of every site: of skin types they come from sums.

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
    SELECT g.group_index, g.site, g.flagged, g.malignant, g.score, sum(g.sign)::bigint
    FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
    WHERE g.outcome = 'screened' AND dimension NOT IN ('fst', 'fst_group')
    -- The number first: where rows are sorted, words are then hardly ever compared.
    GROUP BY g.score, g.group_index, g.flagged, g.malignant, g.site
    HAVING sum(g.sign) <> 0
    UNION ALL
    SELECT p.group_index, p.site, c.flagged, c.malignant, c.score, sum(c.images)::bigint
    FROM (SELECT figures.group_keys(as_of, model, 'fst at site', source) AS keys) AS k
    CROSS JOIN LATERAL (
        SELECT
            a.place,
            array_position(cells_by_site.keys, coalesce(
                '=' || CASE dimension WHEN 'fst' THEN a.fst ELSE audit.fst_group(a.fst::smallint) END, ''
            )) AS group_index,
            a.site
        FROM (
            SELECT
                i.place, nullif(split_part(i.key, '=', 2), '') AS fst,
                substr(i.key, nullif(position('=' IN substr(i.key, 2)), 0) + 2) AS site
            FROM unnest(k.keys) WITH ORDINALITY AS i(key, place)
        ) AS a
    ) AS p
    JOIN figures.cells(since, until, as_of, model, 'fst at site', source, 'histogram', k.keys, through) AS c
        ON c.group_index = p.place
    WHERE c.outcome = 'screened' AND dimension IN ('fst', 'fst_group')
    GROUP BY c.score, p.group_index, c.flagged, c.malignant, p.site;
END;
ALTER FUNCTION audit.weighted_scores(timestamptz, timestamptz, timestamptz, text, text, text, integer)
    SET work_mem = '256MB'
    SET enable_nestloop = on
    SET jit = off
    SET plan_cache_mode = force_custom_plan;
