-- Sums by stratum beside those by score, and one period of all quarters. What was summed by period goes and is
-- summed again by the next audit.roll_up(): no figure depends on it.

TRUNCATE audit_periods, audit_sums;

CREATE TABLE audit_stratum_sums (
    period_id integer NOT NULL,
    stratum_id integer NOT NULL,
    drawn boolean NOT NULL,
    images integer NOT NULL,
    CONSTRAINT pk_audit_stratum_sums PRIMARY KEY (period_id, stratum_id, drawn)
);
COMMENT ON TABLE audit_stratum_sums IS
    'How many screened images with an outcome a period has of each stratum: where their outcomes come from.';
COMMENT ON COLUMN audit_stratum_sums.period_id IS 'The period and the increment it was summed at';
COMMENT ON COLUMN audit_stratum_sums.stratum_id IS 'Everything about the images that has few values';
COMMENT ON COLUMN audit_stratum_sums.drawn IS 'Whether the outcome came of a random draw';
COMMENT ON COLUMN audit_stratum_sums.images IS 'How many images';

CREATE OR REPLACE FUNCTION figures.periods(since timestamptz, until timestamptz, through integer)
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
    -- Of two that overlap the longer: what neither then holds is read from rows.
    WHERE NOT EXISTS (
        SELECT FROM usable AS o
        WHERE o.begins < u.ends AND o.ends > u.begins
            AND (o.ends - o.begins, o.period_id) > (u.ends - u.begins, u.period_id)
    );
END;

CREATE FUNCTION figures.unsummed_cases(since timestamptz, until timestamptz, through integer)
RETURNS TABLE (sign smallint, stratum_id integer, score smallint, latency_ms integer, drawn boolean)
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
    SELECT e.sign, e.stratum_id, e.score, e.latency_ms, coalesce(e.sampling_probability < 1, false)
    FROM gaps AS b
    JOIN public.audit_entries AS e ON e.last_modified >= b.begins AND e.last_modified < b.ends
    WHERE e.increment_id <= through
    UNION ALL
    SELECT e.sign, e.stratum_id, e.score, e.latency_ms, coalesce(e.sampling_probability < 1, false)
    FROM chosen AS c
    JOIN public.audit_entries AS e
        ON e.last_modified >= c.begins AND e.last_modified < c.ends AND e.increment_id > c.through_id
    WHERE e.increment_id <= through;
END;
COMMENT ON FUNCTION figures.unsummed_cases(timestamptz, timestamptz, integer) IS
    'Signed cases of a window that the sums of its periods do not hold.';

CREATE OR REPLACE FUNCTION figures.unsummed(since timestamptz, until timestamptz, through integer)
RETURNS TABLE (sign smallint, stratum_id integer, score smallint, latency_ms integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT u.sign, u.stratum_id, u.score, u.latency_ms FROM figures.unsummed_cases(since, until, through) AS u;
END;

CREATE FUNCTION figures.stratum_counts(since timestamptz, until timestamptz, through integer)
RETURNS TABLE (stratum_id integer, drawn boolean, images bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.stratum_id, c.drawn, sum(c.images)
    FROM (
        SELECT s.stratum_id, s.drawn, s.images
        FROM public.audit_stratum_sums AS s
        -- A list, which an index finds also where the planner knows nothing of the table yet.
        WHERE s.period_id = ANY (ARRAY(SELECT p.period_id FROM figures.periods(since, until, through) AS p))
        UNION ALL
        SELECT u.stratum_id, u.drawn, u.sign::integer
        FROM figures.unsummed_cases(since, until, through) AS u
        JOIN public.audit_strata AS t ON t.stratum_id = u.stratum_id
        WHERE t.outcome = 'screened' AND t.label_source IS NOT NULL
    ) AS c
    GROUP BY c.stratum_id, c.drawn
    HAVING sum(c.images) <> 0;
END;
COMMENT ON FUNCTION figures.stratum_counts(timestamptz, timestamptz, integer) IS
    'Screened images with a reported outcome, by stratum and by whether they were drawn at random.';

CREATE OR REPLACE FUNCTION audit.roll_up() RETURNS integer
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
            UNION ALL
            -- From the beginning of time to the end of a late quarter: nearly all that the nightly audit asks for.
            SELECT timestamp '1970-01-01', f.begins + u.length
            WHERE u.name = 'quarter' AND f.begins > newest.as_of AT TIME ZONE 'UTC' - interval '1 year'
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
        INSERT INTO public.audit_stratum_sums (period_id, stratum_id, drawn, images)
        SELECT added, c.stratum_id, c.drawn, c.images
        FROM figures.stratum_counts(period.begins, period.ends, newest.increment_id) AS c;
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
    'Counts the images of whole thirds of months, months, quarters, years and all that came until a quarter''s end, where none '
    'is counted yet or half as many came or changed since. Changes no figure, only how fast it is found. Returns '
    'how many periods it counted.';
