-- Which days an increment speaks of, so that nobody reads ten million rows to learn which periods changed.

CREATE TABLE audit_increment_days (
    increment_id integer NOT NULL,
    day date NOT NULL,
    entries integer NOT NULL,
    CONSTRAINT pk_audit_increment_days PRIMARY KEY (increment_id, day)
);
COMMENT ON TABLE audit_increment_days IS 'How many rows each increment added to audit_entries, by day.';
COMMENT ON COLUMN audit_increment_days.increment_id IS 'The increment';
COMMENT ON COLUMN audit_increment_days.day IS 'Day (UTC) of Last-Modified';
COMMENT ON COLUMN audit_increment_days.entries IS 'Rows that it added for images of the day';

-- No increment may end between this and the commit: its days would be missing.
LOCK TABLE audit_increments IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO audit_increment_days (increment_id, day, entries)
SELECT e.increment_id, (e.last_modified AT TIME ZONE 'UTC')::date, count(*)
FROM audit_entries AS e
GROUP BY 1, 2;

-- Sixths of months take the place of thirds, which nothing would count again.
WITH thirds AS (
    DELETE FROM audit_periods WHERE last_day - first_day BETWEEN 7 AND 10 RETURNING period_id
),
sums AS (
    DELETE FROM audit_sums AS s USING thirds AS t WHERE s.period_id = t.period_id
)
DELETE FROM audit_stratum_sums AS s USING thirds AS t WHERE s.period_id = t.period_id;

CREATE OR REPLACE FUNCTION audit.increment(as_of timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (increment_id integer, known_until timestamptz, entries bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET work_mem = '256MB'
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    newest public.audit_increments;
    added integer;
BEGIN
    PERFORM figures.settle(increment.as_of);
    -- One at a time; readers go on.
    LOCK TABLE public.audit_increments IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO newest FROM public.audit_increments AS i ORDER BY i.as_of DESC LIMIT 1;
    IF newest.as_of >= increment.as_of THEN
        RETURN QUERY SELECT newest.increment_id, newest.as_of, 0::bigint;
        RETURN;
    END IF;
    added := nextval(pg_get_serial_sequence('public.audit_increments', 'increment_id'));
    RETURN QUERY
    WITH changes AS MATERIALIZED (
        SELECT
            c.*,
            ROW(
                c.model_version, c.outcome, c.reason, c.flagged, c.fst, c.fst_source, c.site, c.device,
                c.modality, c.body_site, c.age_band, c.sex, c.malignant, c.contradictory, c.label_source,
                c.verification_reason
            )::text AS description
        FROM figures.changes(increment.as_of) AS c
    ),
    fresh AS MATERIALIZED (
        SELECT DISTINCT ON (c.description)
            c.*, ROW(c.outcome, c.reason, c.flagged, c.malignant, c.contradictory)::text AS kind
        FROM changes AS c
        WHERE NOT EXISTS (SELECT FROM public.audit_strata AS s WHERE s.description = c.description)
    ),
    new_kinds AS (
        INSERT INTO public.audit_kinds (description, outcome, reason, flagged, malignant, contradictory)
        SELECT DISTINCT f.kind, f.outcome, f.reason, f.flagged, f.malignant, f.contradictory
        FROM fresh AS f
        WHERE NOT EXISTS (SELECT FROM public.audit_kinds AS k WHERE k.description = f.kind)
        RETURNING kind_id, description
    ),
    kinds AS (
        SELECT k.kind_id, k.description FROM public.audit_kinds AS k
        UNION ALL
        SELECT k.kind_id, k.description FROM new_kinds AS k
    ),
    grouped AS MATERIALIZED (
        SELECT
            f.description AS stratum, f.model_version, d.*,
            ROW(f.model_version, d.number, d.fst_source, d.value, d.site)::text AS description
        FROM fresh AS f
        CROSS JOIN LATERAL figures.groups_of(
            f.fst, f.fst_source, f.site, f.modality, f.age_band, f.sex, f.body_site, f.device
        ) AS d
    ),
    new_groups AS (
        INSERT INTO public.audit_groups (
            description, model_version, number, dimension, fst_source, value, site
        )
        SELECT DISTINCT g.description, g.model_version, g.number, g.dimension, g.fst_source, g.value, g.site
        FROM grouped AS g
        WHERE NOT EXISTS (SELECT FROM public.audit_groups AS o WHERE o.description = g.description)
        RETURNING group_id, description
    ),
    groups AS (
        SELECT g.group_id, g.description FROM public.audit_groups AS g
        UNION ALL
        SELECT g.group_id, g.description FROM new_groups AS g
    ),
    placed AS (
        SELECT g.stratum, array_agg(o.group_id ORDER BY g.number) AS group_ids
        FROM grouped AS g JOIN groups AS o ON o.description = g.description
        GROUP BY g.stratum
    ),
    new_strata AS (
        INSERT INTO public.audit_strata (
            description, model_version, outcome, reason, flagged, fst, fst_source, site, device, modality,
            body_site, age_band, sex, malignant, contradictory, label_source, verification_reason, kind_id,
            group_ids
        )
        SELECT
            f.description, f.model_version, f.outcome, f.reason, f.flagged, f.fst, f.fst_source, f.site,
            f.device, f.modality, f.body_site, f.age_band, f.sex, f.malignant, f.contradictory,
            f.label_source, f.verification_reason, k.kind_id, p.group_ids
        FROM fresh AS f
        JOIN kinds AS k ON k.description = f.kind
        JOIN placed AS p ON p.stratum = f.description
        RETURNING stratum_id, description
    ),
    strata AS (
        SELECT s.stratum_id, s.description FROM public.audit_strata AS s
        UNION ALL
        SELECT s.stratum_id, s.description FROM new_strata AS s
    ),
    new_entries AS (
        INSERT INTO public.audit_entries (
            audit_id, increment_id, sign, stratum_id, patient_number, last_modified, latency_ms, score,
            sampling_probability
        )
        SELECT
            c.audit_id, added, c.sign, s.stratum_id, c.patient_number, c.last_modified, c.latency_ms,
            c.score, c.sampling_probability
        FROM changes AS c
        JOIN strata AS s ON s.description = c.description
        ORDER BY c.audit_id
        RETURNING last_modified
    ),
    new_days AS (
        INSERT INTO public.audit_increment_days (increment_id, day, entries)
        SELECT added, (e.last_modified AT TIME ZONE 'UTC')::date, count(*)
        FROM new_entries AS e
        GROUP BY 2
    )
    INSERT INTO public.audit_increments (increment_id, as_of, entries)
    OVERRIDING SYSTEM VALUE
    SELECT added, increment.as_of, (SELECT count(*) FROM new_entries)
    RETURNING increment_id, as_of, entries;
END;
$$;

CREATE FUNCTION figures.summed_dimensions(
    since timestamptz, until timestamptz, through integer, first integer, last integer
)
RETURNS TABLE (group_id integer, kind_id integer, numbers integer[], images integer[])
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000000 ROWS 1000
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH beside AS MATERIALIZED (
        SELECT
            t.group_ids, t.kind_id, e.score::integer AS score, e.sign::integer AS sign,
            CASE WHEN t.outcome <> 'superseded' THEN e.latency_ms END AS latency_ms
        FROM figures.unsummed(since, until, through) AS e
        JOIN public.audit_strata AS t ON t.stratum_id = e.stratum_id
    )
    SELECT n.group_id, n.kind_id, n.numbers, n.images
    -- One dimension after the other: its counts fit into the processor's cache, those of all do not.
    FROM generate_series(first, last) AS d(number)
    CROSS JOIN LATERAL (
        SELECT k.group_id, k.kind_id, array_agg(k.number) AS numbers, array_agg(k.images) AS images
        FROM (
            SELECT c.group_id, c.kind_id, c.number, sum(c.images)::integer AS images
            FROM (
                SELECT s.group_id, s.kind_id, u.number, u.images
                FROM public.audit_groups AS g
                JOIN public.audit_sums AS s ON s.group_id = g.group_id
                CROSS JOIN LATERAL unnest(s.numbers, s.images) AS u(number, images)
                WHERE g.number = d.number AND s.period_id = ANY (
                    ARRAY(SELECT p.period_id FROM figures.periods(since, until, through) AS p)
                )
                UNION ALL
                SELECT b.group_ids[d.number], b.kind_id, b.score, b.sign FROM beside AS b
                UNION ALL
                SELECT b.group_ids[d.number], 0, b.latency_ms, b.sign
                FROM beside AS b
                -- Nobody asks for latencies of skin types at sites.
                WHERE b.latency_ms IS NOT NULL AND d.number <= 10
            ) AS c
            GROUP BY c.number, c.group_id, c.kind_id
            HAVING sum(c.images) <> 0
        ) AS k
        GROUP BY k.group_id, k.kind_id
    ) AS n;
END;
$$;
COMMENT ON FUNCTION figures.summed_dimensions(timestamptz, timestamptz, integer, integer, integer) IS
    'figures.summed of the dimensions first to last, as one step that a process of its own can take.';

CREATE FUNCTION figures.summed(since timestamptz, until timestamptz, through integer)
RETURNS TABLE (group_id integer, kind_id integer, numbers integer[], images integer[])
LANGUAGE plpgsql STABLE
-- Worth it for a few hundred milliseconds already.
SET parallel_setup_cost = 0
AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM figures.summed_dimensions(since, until, through, 1, 5)
    UNION ALL
    SELECT * FROM figures.summed_dimensions(since, until, through, 6, 11);
END;
$$;
COMMENT ON FUNCTION figures.summed(timestamptz, timestamptz, integer) IS
    'What audit_sums holds of a window: how many images of each group and kind have which score, and, under kind '
    '0, which latency in ms.';

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
        FROM (VALUES
            ('month', interval '1 month'), ('quarter', '3 months'), ('year', '6 months'), ('year', '1 year')
        ) AS u(name, length)
        CROSS JOIN LATERAL generate_series(
            date_trunc(u.name, (SELECT min(d.day) FROM public.audit_increment_days AS d)::timestamp),
            newest.as_of AT TIME ZONE 'UTC',
            u.length
        ) AS f(begins)
        CROSS JOIN LATERAL (
            SELECT f.begins, f.begins + u.length AS ends
            UNION ALL
            -- Sixths; the last of a month ends with it.
            SELECT
                f.begins + make_interval(days => t.after),
                CASE WHEN t.after = 25 THEN f.begins + u.length ELSE f.begins + make_interval(days => t.after + 5) END
            FROM generate_series(0, 25, 5) AS t(after)
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
    'Counts the images of whole sixths of months, months, quarters, halves of years, years and all that came until '
    'a quarter''s end, where none is counted yet or half as many came or changed since. Changes no figure, only how '
    'fast it is found. Returns how many periods it counted.';
COMMENT ON TABLE audit_periods IS
    'Months and their sixths, quarters, years and their halves whose images were counted once for all windows.';
