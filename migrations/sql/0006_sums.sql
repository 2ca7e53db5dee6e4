-- Counts by group, kind and exact number (a score, or a latency), from sums of periods and the rows beside them.

CREATE FUNCTION figures.periods(since timestamptz, until timestamptz, through integer)
RETURNS TABLE (period_id integer, begins timestamptz, ends timestamptz, through_id integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH usable AS (
        SELECT DISTINCT ON (p.first_day, p.last_day)
            p.period_id, p.through_increment_id,
            p.first_day::timestamp AT TIME ZONE 'UTC' AS begins,
            (p.last_day + 1)::timestamp AT TIME ZONE 'UTC' AS ends
        FROM public.audit_periods AS p
        WHERE p.first_day::timestamp AT TIME ZONE 'UTC' >= since
            AND (p.last_day + 1)::timestamp AT TIME ZONE 'UTC' <= until
            AND p.through_increment_id <= through
        ORDER BY p.first_day, p.last_day, p.through_increment_id DESC
    )
    SELECT u.period_id, u.begins, u.ends, u.through_increment_id FROM usable AS u
    WHERE NOT EXISTS (
        SELECT FROM usable AS longer
        WHERE longer.begins <= u.begins AND longer.ends >= u.ends AND longer.period_id <> u.period_id
    );
END;
COMMENT ON FUNCTION figures.periods(timestamptz, timestamptz, integer) IS
    'Of the periods that lie within a window the longest, each as last summed before an increment.';

CREATE FUNCTION figures.unsummed(since timestamptz, until timestamptz, through integer)
RETURNS TABLE (sign smallint, stratum_id integer, score smallint, latency_ms integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH chosen AS MATERIALIZED (
        SELECT p.* FROM figures.periods(since, until, through) AS p
    ),
    gaps AS MATERIALIZED (
        SELECT b.begins, b.ends
        FROM (
            SELECT lag(c.ends, 1, since) OVER (ORDER BY c.begins) AS begins, c.begins AS ends FROM chosen AS c
            UNION ALL
            SELECT coalesce(max(c.ends), since), until FROM chosen AS c
        ) AS b
        WHERE b.begins < b.ends
    )
    SELECT e.sign, e.stratum_id, e.score, e.latency_ms
    FROM gaps AS b
    JOIN public.audit_entries AS e ON e.last_modified >= b.begins AND e.last_modified < b.ends
    WHERE e.increment_id <= through
    UNION ALL
    SELECT e.sign, e.stratum_id, e.score, e.latency_ms
    FROM chosen AS c
    JOIN public.audit_entries AS e
        ON e.last_modified >= c.begins AND e.last_modified < c.ends AND e.increment_id > c.through_id
    WHERE e.increment_id <= through;
END;
COMMENT ON FUNCTION figures.unsummed(timestamptz, timestamptz, integer) IS
    'Signed cases of a window that the sums of its periods do not hold.';

-- `dimensions` are numbers of figures.groups_of. Joined by number, so that words are not compared per case.
CREATE FUNCTION figures.counted(
    since timestamptz, until timestamptz, through integer, model text, source text, dimensions integer[],
    latencies boolean
)
RETURNS TABLE (group_id integer, kind_id integer, number integer, images bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH wanted AS MATERIALIZED (
        SELECT g.group_id
        FROM public.audit_groups AS g
        WHERE (model IS NULL OR g.model_version = model) AND g.number = ANY (dimensions)
            AND (source IS NULL OR g.fst_source IS NULL OR g.fst_source = source)
    )
    SELECT c.group_id, c.kind_id, c.number, sum(c.images)::bigint
    FROM (
        SELECT s.group_id, s.kind_id, u.number, u.images
        FROM figures.periods(since, until, through) AS p
        JOIN public.audit_sums AS s ON s.period_id = p.period_id
        JOIN wanted AS w ON w.group_id = s.group_id
        CROSS JOIN LATERAL unnest(s.numbers, s.images) AS u(number, images)
        WHERE (s.kind_id = 0) = latencies
        UNION ALL
        SELECT
            r.group_ids[d.number], r.kind_id, r.number, r.sign
        FROM (
            SELECT
                t.group_ids, CASE WHEN latencies THEN 0 ELSE t.kind_id END AS kind_id,
                CASE WHEN latencies THEN e.latency_ms ELSE e.score::integer END AS number,
                e.sign::integer AS sign
            FROM figures.unsummed(since, until, through) AS e
            JOIN public.audit_strata AS t ON t.stratum_id = e.stratum_id
            WHERE NOT latencies OR (t.outcome <> 'superseded' AND e.latency_ms IS NOT NULL)
            -- Cases first, then their dimensions: the other way round is all strata times all dimensions.
            OFFSET 0
        ) AS r
        CROSS JOIN LATERAL unnest(dimensions) AS d(number)
        JOIN wanted AS w ON w.group_id = r.group_ids[d.number]
    ) AS c
    GROUP BY c.number, c.group_id, c.kind_id
    HAVING sum(c.images) <> 0;
END;
COMMENT ON FUNCTION
    figures.counted(timestamptz, timestamptz, integer, text, text, integer[], boolean) IS
    'Images per group, kind and number: the score, or with latencies that in ms under kind 0. NULL as model or '
    'source means all.';

CREATE FUNCTION figures.dimension_numbers(dimension text) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN dimension = '*' THEN ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9, 10] ELSE ARRAY[array_position(ARRAY[
    'all', 'fst', 'fst_group', 'fst_source', 'site', 'modality', 'age_band', 'sex', 'body_site', 'device'
], dimension)] END;
COMMENT ON FUNCTION figures.dimension_numbers(text) IS 'The dimensions that a question means, as numbers.';

DROP FUNCTION audit.roll_up();
CREATE FUNCTION audit.roll_up() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '256MB'
SET plan_cache_mode = force_custom_plan
SET enable_nestloop = on
SET jit = off
AS $$
DECLARE
    newest public.audit_increments;
    period record;
    summed public.audit_periods;
    fresh bigint;
    added integer;
    made integer := 0;
BEGIN
    LOCK TABLE public.audit_periods IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO newest FROM public.audit_increments AS i ORDER BY i.as_of DESC LIMIT 1;
    FOR period IN
        SELECT s.begins::date AS first_day, s.ends::date - 1 AS last_day,
            s.begins AT TIME ZONE 'UTC' AS begins, s.ends AT TIME ZONE 'UTC' AS ends
        FROM (VALUES ('month', interval '1 month'), ('quarter', '3 months'), ('year', '1 year')) AS u(name, length)
        CROSS JOIN LATERAL generate_series(
            date_trunc(u.name, (SELECT min(e.last_modified) FROM public.audit_entries AS e) AT TIME ZONE 'UTC'),
            newest.as_of AT TIME ZONE 'UTC',
            u.length
        ) AS f(begins)
        CROSS JOIN LATERAL (
            SELECT f.begins, f.begins + u.length AS ends
            UNION ALL
            SELECT f.begins + t.after, least(f.begins + t.after + interval '11 days', f.begins + u.length)
                - CASE WHEN t.after < interval '20 days' THEN interval '1 day' ELSE interval '0' END
            FROM (VALUES (interval '0'), (interval '10 days'), (interval '20 days')) AS t(after)
            WHERE u.name = 'month'
        ) AS s
        WHERE s.ends <= newest.as_of AT TIME ZONE 'UTC'
        -- The shorter first: the longer are summed from them.
        ORDER BY s.ends - s.begins, s.begins
    LOOP
        SELECT * INTO summed FROM public.audit_periods AS p
        WHERE (p.first_day, p.last_day) = (period.first_day, period.last_day)
        ORDER BY p.through_increment_id DESC LIMIT 1;
        SELECT count(*) INTO fresh FROM public.audit_entries AS e
        WHERE e.last_modified >= period.begins AND e.last_modified < period.ends
            AND e.increment_id > coalesce(summed.through_increment_id, 0);
        CONTINUE WHEN fresh = 0 OR fresh * 2 < summed.images;
        added := nextval(pg_get_serial_sequence('public.audit_periods', 'period_id'));
        INSERT INTO public.audit_sums (period_id, group_id, kind_id, numbers, images)
        SELECT added, c.group_id, c.kind_id, array_agg(c.number), array_agg(c.images::integer)
        FROM (
            SELECT * FROM figures.counted(
                period.begins, period.ends, newest.increment_id, NULL, NULL,
                ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], false
            )
            UNION ALL
            SELECT * FROM figures.counted(
                period.begins, period.ends, newest.increment_id, NULL, NULL, ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], true
            )
        ) AS c
        GROUP BY c.group_id, c.kind_id;
        INSERT INTO public.audit_periods (period_id, first_day, last_day, through_increment_id, images)
        OVERRIDING SYSTEM VALUE
        SELECT added, period.first_day, period.last_day, newest.increment_id, coalesce(sum(i.images), 0)
        FROM public.audit_sums AS s
        JOIN public.audit_groups AS g ON g.group_id = s.group_id AND g.number = 1
        CROSS JOIN LATERAL unnest(s.images) AS i(images)
        WHERE s.period_id = added AND s.kind_id <> 0;
        made := made + 1;
    END LOOP;
    RETURN made;
END;
$$;
COMMENT ON FUNCTION audit.roll_up() IS
    'Counts the images of whole thirds of months, months, quarters and years, where none is counted yet or half '
    'as many came or changed since. Changes no figure, only how fast it is found. Returns how many periods it counted.';
