-- Days take the place of sixths of months, so that a window from midnight to midnight reads sums and no rows.

-- In the order in which audit.roll_up() takes them.
LOCK TABLE audit_periods IN ACCESS EXCLUSIVE MODE;

-- By day first: of hundreds of days most are asked for the few increments since they were summed.
ALTER TABLE audit_increment_days DROP CONSTRAINT pk_audit_increment_days;
ALTER TABLE audit_increment_days ADD CONSTRAINT pk_audit_increment_days PRIMARY KEY (day, increment_id);

WITH sixths AS (
    DELETE FROM audit_periods WHERE last_day - first_day BETWEEN 1 AND 6 RETURNING period_id
),
sums AS (
    DELETE FROM audit_sums AS s USING sixths AS p WHERE s.period_id = p.period_id
)
DELETE FROM audit_stratum_sums AS s USING sixths AS p WHERE s.period_id = p.period_id;

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
    SELECT o.period_id, o.begins, o.ends, o.through_increment_id
    FROM (
        SELECT
            u.*,
            max(u.ends) OVER (ORDER BY u.begins, u.ends DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS upto
        FROM usable AS u
    ) AS o
    -- Sorted so, what lies in another comes after it. Of two that overlap in part the earlier: what is then in no
    -- period is read from rows.
    WHERE o.upto IS NULL OR o.begins >= o.upto;
END;

-- Of pages whose range no BRIN index has summed up yet, every search reads all rows. Autovacuum sums them up, but
-- minutes after an increment has written them: an audit that follows at once read a night's rows once per period.
CREATE FUNCTION figures.summarize_ranges() RETURNS void
LANGUAGE plpgsql
-- Who runs VACUUM holds the lock that this needs, and does the same.
SET lock_timeout = '1s'
AS $$
DECLARE
    index regclass;
BEGIN
    FOREACH index IN ARRAY ARRAY[
        'public.ix_audit_entries_last_modified', 'public.ix_audit_entries_increment_id',
        'public.ix_audit_records_recorded_at', 'public.ix_ground_truth_known_at',
        'public.ix_skin_type_reports_known_at'
    ]::regclass[] LOOP
        BEGIN
            PERFORM brin_summarize_new_values(index);
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION figures.summarize_ranges() IS
    'Lets what was written last be found by its time at once. Changes no figure, only how fast it is found.';

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
    PERFORM figures.summarize_ranges();
    LOCK TABLE public.audit_periods IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO newest FROM public.audit_increments AS i ORDER BY i.as_of DESC LIMIT 1;
    FOR period IN
        SELECT s.begins::date AS first_day, s.ends::date - 1 AS last_day,
            s.begins AT TIME ZONE 'UTC' AS begins, s.ends AT TIME ZONE 'UTC' AS ends
        FROM (VALUES
            ('day', interval '1 day'), ('month', '1 month'), ('quarter', '3 months'), ('year', '6 months'),
            ('year', '1 year')
        ) AS u(name, length)
        CROSS JOIN LATERAL generate_series(
            date_trunc(u.name, (SELECT min(d.day) FROM public.audit_increment_days AS d)::timestamp),
            newest.as_of AT TIME ZONE 'UTC',
            u.length
        ) AS f(begins)
        CROSS JOIN LATERAL (
            SELECT f.begins, f.begins + u.length AS ends
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
        SELECT coalesce(sum(d.entries), 0) INTO fresh FROM public.audit_increment_days AS d
        WHERE d.day BETWEEN period.first_day AND period.last_day
            AND d.increment_id > coalesce(summed.through_increment_id, 0)
            AND d.increment_id <= newest.increment_id;
        CONTINUE WHEN fresh = 0 OR fresh * 2 < summed.images;
        added := nextval(pg_get_serial_sequence('public.audit_periods', 'period_id'));
        INSERT INTO public.audit_sums (period_id, group_id, kind_id, numbers, images)
        SELECT added, s.group_id, s.kind_id, s.numbers, s.images
        FROM figures.summed(period.begins, period.ends, newest.increment_id) AS s;
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
    'Counts the images of whole days, months, quarters, halves of years, years and all that came until a quarter''s '
    'end, where none is counted yet or half as many came or changed since. Changes no figure, only how fast it is '
    'found. Returns how many periods it counted.';
COMMENT ON TABLE audit_periods IS
    'Days, months, quarters, years and their halves whose images were counted once for all windows.';
