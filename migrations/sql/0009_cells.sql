-- Counts by group, kind and score without words: sums of periods are added up once, not by group and then by kind.

CREATE FUNCTION figures.kind_code(outcome text, flagged boolean, malignant boolean, contradictory boolean)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE outcome WHEN 'screened' THEN 1 WHEN 'rejected' THEN 2 ELSE 4 END
    | CASE WHEN flagged THEN 8 ELSE 0 END
    | CASE WHEN malignant IS NULL THEN 0 WHEN malignant THEN 48 ELSE 16 END
    | CASE WHEN contradictory THEN 64 ELSE 0 END;
COMMENT ON FUNCTION figures.kind_code(text, boolean, boolean, boolean) IS
    'How an image ended, as bits: 1 screened, 2 rejected, 4 superseded, 8 flagged, 16 has an outcome, 32 malignant, '
    '64 contradictory.';

CREATE FUNCTION figures.coded(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[], through integer
)
RETURNS TABLE (group_index integer, code integer, reason text, score integer, images bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.group_index, c.code, c.reason, c.score, sum(c.images)
    FROM (
        SELECT
            g.group_index, figures.kind_code(g.outcome, g.flagged, g.malignant, g.contradictory) AS code,
            g.reason, g.score, g.sign AS images
        FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
        WHERE basis = 'cases'
        UNION ALL
        SELECT g.group_index, k.code, k.reason, u.number, u.images
        FROM public.audit_sums AS s
        JOIN figures.numbered_groups(model, dimension, source, keys) AS g ON g.group_id = s.group_id
        JOIN (
            SELECT
                t.kind_id, t.reason, figures.kind_code(t.outcome, t.flagged, t.malignant, t.contradictory) AS code
            FROM public.audit_kinds AS t
            -- Once per kind, not once per score.
            OFFSET bigint '0'
        ) AS k ON k.kind_id = s.kind_id
        CROSS JOIN LATERAL unnest(s.numbers, s.images) AS u(number, images)
        -- A list, which an index finds also where the planner knows nothing of the table yet.
        WHERE basis = 'histogram'
            AND s.period_id = ANY (ARRAY(SELECT p.period_id FROM figures.periods(since, until, through) AS p))
        UNION ALL
        SELECT g.group_index, r.code, r.reason, r.score, r.sign
        FROM (
            SELECT
                t.group_ids, figures.kind_code(t.outcome, t.flagged, t.malignant, t.contradictory) AS code,
                t.reason, e.score::integer AS score, e.sign::integer AS sign
            FROM figures.unsummed(since, until, through) AS e
            JOIN public.audit_strata AS t ON t.stratum_id = e.stratum_id
            WHERE basis = 'histogram'
            -- Cases first, then their dimensions: the other way round is all strata times all dimensions.
            OFFSET bigint '0'
        ) AS r
        CROSS JOIN LATERAL unnest(figures.dimension_numbers(dimension)) AS d(number)
        JOIN figures.numbered_groups(model, dimension, source, keys) AS g ON g.group_id = r.group_ids[d.number]
        UNION ALL
        SELECT
            array_position(keys, figures.group_name(coded.dimension, d.dimension, d.value)),
            figures.kind_code(n.outcome, n.flagged, n.malignant, n.contradictory),
            n.reason, n.score::integer, n.sign::integer
        FROM figures.changes(as_of) AS n
        CROSS JOIN LATERAL figures.groups_of(
            n.fst, n.fst_source, n.site, n.modality, n.age_band, n.sex, n.body_site, n.device
        ) AS d
        WHERE basis = 'histogram' AND n.last_modified >= since AND n.last_modified < until
            AND n.model_version = model AND figures.is_asked(coded.dimension, source, d.dimension, d.fst_source)
    ) AS c
    GROUP BY c.score, c.group_index, c.code, c.reason
    HAVING sum(c.images) <> 0;
END;
COMMENT ON FUNCTION figures.coded(
    timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer
) IS 'Images by group, figures.kind_code, reason of rejection and exact score; basis is histogram or cases.';
