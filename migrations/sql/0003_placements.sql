-- AUROC: DeLong's placements by midranks, from counts by exact score, since all images of one score, class
-- and group share their placement. (DeLong et al. 1988; Sun and Xu 2014.)

CREATE FUNCTION figures.placed(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, keys text[],
    through integer
)
RETURNS TABLE (
    group_index integer,
    malignant boolean,
    score integer,
    images bigint,
    positives bigint,
    negatives bigint,
    midrank double precision,
    class_midrank double precision,
    placement double precision
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        r.group_index, r.malignant, r.score, r.images, r.positives, r.negatives, r.midrank, r.class_midrank,
        CASE
            WHEN r.malignant THEN (r.midrank - r.class_midrank) / nullif(r.negatives, 0)
            ELSE 1 - (r.midrank - r.class_midrank) / nullif(r.positives, 0)
        END
    FROM (
        SELECT
            c.group_index, c.malignant, c.score, c.images,
            coalesce(sum(c.images) FILTER (WHERE c.malignant) OVER whole, 0)::bigint AS positives,
            coalesce(sum(c.images) FILTER (WHERE NOT c.malignant) OVER whole, 0)::bigint AS negatives,
            -- rank() + (ties - 1)/2 of each image; the running sum is the rank of the last of the ties.
            (sum(c.images) OVER rising - (sum(c.images) OVER ties - 1) / 2.0)::double precision AS midrank,
            (sum(c.images) OVER class_rising - (c.images - 1) / 2.0)::double precision AS class_midrank
        FROM (
            SELECT g.group_index, g.malignant, g.score, sum(g.sign)::bigint AS images
            FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
            WHERE g.outcome = 'screened' AND g.malignant IS NOT NULL
            GROUP BY g.group_index, g.malignant, g.score
            HAVING sum(g.sign) <> 0
        ) AS c
        WINDOW
            whole AS (PARTITION BY c.group_index),
            rising AS (PARTITION BY c.group_index ORDER BY c.score),
            ties AS (PARTITION BY c.group_index, c.score),
            class_rising AS (PARTITION BY c.group_index, c.malignant ORDER BY c.score)
    ) AS r;
END;
COMMENT ON FUNCTION figures.placed(timestamptz, timestamptz, timestamptz, text, text, text, text[], integer) IS
    'Midranks and placements per group, class and score.';

CREATE FUNCTION audit.placements(
    since timestamptz,
    until timestamptz,
    as_of timestamptz,
    model text,
    dimension text DEFAULT 'fst_group',
    source text DEFAULT 'reported'
)
RETURNS TABLE (
    group_value text,
    malignant boolean,
    score integer,
    images bigint,
    midrank double precision,
    class_midrank double precision,
    placement double precision
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
    keys := figures.group_keys(as_of, model, dimension, source);
    RETURN QUERY
    SELECT
        nullif(substr(keys[p.group_index], 2), ''), p.malignant, p.score, p.images, p.midrank, p.class_midrank,
        p.placement
    FROM figures.placed(since, until, as_of, model, dimension, source, keys, through) AS p
    ORDER BY p.group_index, p.score, p.malignant;
END;
$$;
COMMENT ON FUNCTION audit.placements(timestamptz, timestamptz, timestamptz, text, text, text) IS
    'DeLong''s placements of screened images with an outcome: images of one group, class and score share one. '
    'From these rows a ROC curve is drawn and any figure of AUROC found again. '
    'group_value: the group, NULL where unknown. '
    'malignant: the outcome. '
    'score: calibrated probability of malignancy x 10,000. '
    'images: how many. '
    'midrank: rank() + (ties - 1)/2 of the score among the group. '
    'class_midrank: the same among images of the same outcome. '
    'placement: V10, the share of negatives below a positive, or V01, of positives above a negative; a tie '
    'counts one half. NULL where the group has no image of the other outcome.';
