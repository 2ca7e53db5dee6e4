-- Counts by exact score: from cases, or from the histogram. One text of figures serves both.

CREATE FUNCTION figures.histogram(first_day date, day_after date, through integer, model text)
RETURNS TABLE (
    model_version text,
    fst_source text,
    fst smallint,
    outcome text,
    reason text,
    flagged boolean,
    malignant boolean,
    contradictory boolean,
    score smallint,
    images bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    -- Of the periods that lie within the days the longest, each as last summed before the increment.
    WITH usable AS (
        SELECT DISTINCT ON (p.first_day, p.last_day) p.*
        FROM public.audit_periods AS p
        WHERE p.first_day >= histogram.first_day AND p.last_day < day_after
            AND p.through_increment_id <= through
        ORDER BY p.first_day, p.last_day, p.through_increment_id DESC
    ),
    chosen AS MATERIALIZED (
        SELECT u.* FROM usable AS u
        WHERE NOT EXISTS (
            SELECT FROM usable AS longer
            WHERE longer.first_day <= u.first_day AND longer.last_day >= u.last_day
                AND longer.period_id <> u.period_id
        )
    ),
    days AS MATERIALIZED (
        SELECT
            d.day::date AS day,
            coalesce((
                SELECT c.through_increment_id FROM chosen AS c
                WHERE d.day::date BETWEEN c.first_day AND c.last_day
            ), 0) AS summed_id
        FROM generate_series(
            greatest(histogram.first_day, (SELECT min(h.day) FROM public.audit_histogram AS h))::timestamp,
            least(day_after - 1, (SELECT max(h.day) FROM public.audit_histogram AS h))::timestamp,
            interval '1 day'
        ) AS d(day)
    )
    SELECT
        s.model_version, s.fst_source, s.fst, s.outcome, s.reason, s.flagged, s.malignant, s.contradictory,
        s.score, s.images
    FROM chosen AS c
    JOIN public.audit_period_sums AS s ON s.period_id = c.period_id
    WHERE histogram.model IS NULL OR s.model_version = histogram.model
    UNION ALL
    SELECT
        h.model_version, h.fst_source, h.fst, h.outcome, h.reason, h.flagged, h.malignant, h.contradictory,
        h.score, h.images::bigint
    FROM days AS d
    JOIN public.audit_histogram AS h ON h.day = d.day AND h.increment_id > d.summed_id
    WHERE h.increment_id <= through AND (histogram.model IS NULL OR h.model_version = histogram.model);
END;
COMMENT ON FUNCTION figures.histogram(date, date, integer, text) IS
    'Signed counts that sum to the histogram of days [first_day, day_after) as of an increment.';

CREATE FUNCTION audit.roll_up() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    newest public.audit_increments;
    period record;
    summed public.audit_periods;
    fresh bigint;
    added integer;
    made integer := 0;
    rows_added bigint;
BEGIN
    LOCK TABLE public.audit_periods IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO newest FROM public.audit_increments AS i ORDER BY i.as_of DESC LIMIT 1;
    FOR period IN
        SELECT f.first_day::date AS first_day, (f.first_day + u.length)::date - 1 AS last_day
        FROM (VALUES ('month', interval '1 month'), ('quarter', '3 months'), ('year', '1 year')) AS u(name, length)
        CROSS JOIN LATERAL generate_series(
            date_trunc(u.name, (SELECT min(h.day) FROM public.audit_histogram AS h)::timestamp),
            (newest.as_of AT TIME ZONE 'UTC') - u.length,
            u.length
        ) AS f(first_day)
        ORDER BY u.length, f.first_day
    LOOP
        SELECT * INTO summed FROM public.audit_periods AS p
        WHERE (p.first_day, p.last_day) = (period.first_day, period.last_day)
        ORDER BY p.through_increment_id DESC LIMIT 1;
        SELECT count(*) INTO fresh FROM public.audit_histogram AS h
        WHERE h.day BETWEEN period.first_day AND period.last_day
            AND h.increment_id > coalesce(summed.through_increment_id, 0);
        CONTINUE WHEN fresh = 0 OR fresh * 2 < summed.cells;
        added := nextval(pg_get_serial_sequence('public.audit_periods', 'period_id'));
        INSERT INTO public.audit_period_sums (
            period_id, model_version, fst_source, fst, outcome, reason, flagged, malignant, contradictory,
            score, images
        )
        SELECT
            added, h.model_version, h.fst_source, h.fst, h.outcome, h.reason, h.flagged, h.malignant,
            h.contradictory, h.score, sum(h.images)
        FROM figures.histogram(period.first_day, period.last_day + 1, newest.increment_id, NULL) AS h
        GROUP BY
            h.score, h.fst, h.flagged, h.malignant, h.contradictory, h.fst_source, h.outcome, h.reason,
            h.model_version
        HAVING sum(h.images) <> 0;
        GET DIAGNOSTICS rows_added = ROW_COUNT;
        INSERT INTO public.audit_periods (period_id, first_day, last_day, through_increment_id, cells)
        OVERRIDING SYSTEM VALUE
        VALUES (added, period.first_day, period.last_day, newest.increment_id, rows_added);
        made := made + 1;
    END LOOP;
    RETURN made;
END;
$$;
COMMENT ON FUNCTION audit.roll_up() IS
    'Adds up the histograms of whole months, quarters and years, where none is summed yet or half as much came '
    'since. Changes no figure, only how fast it is found. Returns how many periods it summed.';

CREATE FUNCTION figures.whole_day(moment timestamptz) RETURNS date
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF isfinite(moment) AND moment AT TIME ZONE 'UTC' <> date_trunc('day', moment AT TIME ZONE 'UTC') THEN
        RAISE EXCEPTION 'the histogram has whole days (UTC): since and until must be midnights'
            USING ERRCODE = '22023';
    END IF;
    RETURN (moment AT TIME ZONE 'UTC')::date;
END;
$$;
COMMENT ON FUNCTION figures.whole_day(timestamptz) IS 'The day (UTC) that begins then; SQLSTATE 22023 if none does.';

CREATE FUNCTION figures.cells(
    since timestamptz, until timestamptz, as_of timestamptz, model text, dimension text, source text, basis text,
    keys text[],
    through integer
)
RETURNS TABLE (
    group_index integer,
    outcome text,
    reason text,
    flagged boolean,
    malignant boolean,
    contradictory boolean,
    score integer,
    images bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        c.group_index, c.outcome, c.reason, c.flagged, c.malignant, c.contradictory, c.score,
        sum(c.images)::bigint
    FROM (
        SELECT
            g.group_index, g.outcome, g.reason, g.flagged, g.malignant, g.contradictory, g.score,
            sum(g.sign)::bigint AS images
        FROM figures.grouped(since, until, as_of, model, dimension, source, keys, through) AS g
        WHERE basis = 'cases'
        GROUP BY g.score, g.group_index, g.flagged, g.malignant, g.contradictory, g.outcome, g.reason
        UNION ALL
        SELECT
            array_position(keys, figures.group_key(
                dimension, s.fst, s.fst_source, NULL, NULL, NULL, NULL, NULL, NULL
            )),
            s.outcome, s.reason, s.flagged, s.malignant, s.contradictory, s.score::integer, s.images
        FROM (
            SELECT
                h.fst, h.fst_source, h.outcome, h.reason, h.flagged, h.malignant, h.contradictory, h.score,
                sum(h.images)::bigint AS images
            FROM figures.histogram(
                (since AT TIME ZONE 'UTC')::date, (until AT TIME ZONE 'UTC')::date, through, model
            ) AS h
            WHERE basis = 'histogram' AND figures.in_question(dimension, source, h.fst_source)
            -- The number first: where rows are sorted, words are then hardly ever compared.
            GROUP BY
                h.score, h.fst, h.flagged, h.malignant, h.contradictory, h.fst_source, h.outcome, h.reason
        ) AS s
        UNION ALL
        SELECT
            array_position(keys, figures.group_key(
                dimension, n.fst, n.fst_source, NULL, NULL, NULL, NULL, NULL, NULL
            )),
            n.outcome, n.reason, n.flagged, n.malignant, n.contradictory, n.score::integer, n.sign
        FROM figures.changes(as_of) AS n
        WHERE basis = 'histogram' AND n.last_modified >= since AND n.last_modified < until
            AND n.model_version = model AND figures.in_question(dimension, source, n.fst_source)
    ) AS c
    GROUP BY c.score, c.group_index, c.flagged, c.malignant, c.contradictory, c.outcome, c.reason
    HAVING sum(c.images) <> 0;
END;
COMMENT ON FUNCTION figures.cells(timestamptz, timestamptz, timestamptz, text, text, text, text, text[], integer) IS
    'Images per group, outcome and exact score; basis: cases (any window and group) or histogram (whole days, '
    'groups of skin type).';
