-- Reports of a file wait here until all of it has come, and then count together: a file counts whole or not at
-- all. Frozen: what changes later is a later revision.

-- A part of a file that counts already would be told as one of which nothing counts.
DO $$
BEGIN
    IF EXISTS (SELECT FROM audit.label_imports WHERE finished_at IS NULL AND abandoned_at IS NULL) THEN
        RAISE EXCEPTION 'the import of a file has not ended: import it again, or abandon it, before the upgrade';
    END IF;
END
$$;

CREATE TABLE held_reports (
    batch_id uuid NOT NULL,
    "row" integer NOT NULL,
    outcome jsonb,
    skin_type jsonb,
    CONSTRAINT pk_held_reports PRIMARY KEY (batch_id, "row"),
    CONSTRAINT ck_held_reports_says_something CHECK (num_nonnulls(outcome, skin_type) > 0)
);
COMMENT ON TABLE held_reports IS 'Rows of files that have not come whole.';
COMMENT ON COLUMN held_reports.batch_id IS 'The import, as its reports bear it';
COMMENT ON COLUMN held_reports."row" IS 'Number of the row in the file';
COMMENT ON COLUMN held_reports.outcome IS
    'What will be a row of ground_truth; its key, if it has one, is personal data';
COMMENT ON COLUMN held_reports.skin_type IS
    'What will be a row of skin_type_reports; its key, if it has one, is personal data';

ALTER TABLE label_imports DROP CONSTRAINT ck_label_imports_step;
ALTER TABLE label_imports ADD CONSTRAINT ck_label_imports_step
    CHECK (step IN ('begun', 'finished', 'abandoned', 'counted'));
COMMENT ON COLUMN label_imports.step IS
    'begun, finished or abandoned, as announced; counted, when all of a finished import began to count';

-- Until this revision reports counted as they came, so a finished import counts.
INSERT INTO label_imports (
    batch_id, step, announced_at, partition, partitions, reports, announced_by, known_at
)
SELECT batch_id, 'counted', finished_at, 0, 1, max(reports), min(imported_by), finished_at
FROM audit.label_imports
WHERE finished_at IS NOT NULL
GROUP BY batch_id, finished_at;

CREATE OR REPLACE VIEW audit.label_imports AS
WITH counted AS (
    SELECT batch_id, min(known_at) AS known_at FROM public.label_imports WHERE step = 'counted' GROUP BY batch_id
),
begun AS (
    SELECT
        batch_id, announced_at, max(reports) AS reports, min(announced_by) AS announced_by,
        min(known_at) AS known_at
    FROM public.label_imports
    WHERE step = 'begun'
    GROUP BY batch_id, announced_at
)
SELECT
    b.batch_id, b.reports, b.announced_by AS imported_by, b.announced_at AS began_at, b.known_at,
    c.known_at AS finished_at, a.announced_by AS abandoned_by, a.known_at AS abandoned_at
FROM begun AS b
LEFT JOIN counted AS c ON c.batch_id = b.batch_id
LEFT JOIN LATERAL (
    SELECT i.announced_by, i.known_at
    FROM public.label_imports AS i
    WHERE i.batch_id = b.batch_id AND i.step = 'abandoned' AND i.announced_at >= b.announced_at
    ORDER BY i.known_at
    LIMIT 1
) AS a ON true;
COMMENT ON VIEW audit.label_imports IS
    'Every time that somebody began to import a file of outcomes or skin types. Until the file is finished, '
    'nothing of it counts.';
COMMENT ON COLUMN audit.label_imports.known_at IS 'When that became known here';
COMMENT ON COLUMN audit.label_imports.finished_at IS
    'When all reports of the file began to count, whoever brought the last of them, which may have been before '
    'this import began; NULL while none of them counts';
COMMENT ON COLUMN audit.label_imports.abandoned_by IS 'Who decided afterwards that it never will';

CREATE FUNCTION count_import(batch uuid, ended_at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted integer;
    ended_by text;
    moment timestamptz;
    abandoned_at timestamptz := (
        SELECT max(i.announced_at) FROM public.label_imports AS i
        WHERE i.batch_id = batch AND i.step = 'abandoned'
    );
BEGIN
    -- Who asks what is known waits for transactions that have a number: this one has, before it looks at the clock.
    PERFORM pg_current_xact_id();
    SELECT max(i.reports), min(i.announced_by) INTO wanted, ended_by
    FROM public.label_imports AS i
    WHERE i.batch_id = batch AND i.step = 'finished' AND i.announced_at = ended_at
    GROUP BY i.partitions
    HAVING count(*) = i.partitions;
    IF wanted IS NULL OR abandoned_at >= ended_at THEN
        RETURN NULL;
    END IF;
    IF wanted = (SELECT count(*) FROM public.held_reports AS h WHERE h.batch_id = batch) THEN
        INSERT INTO public.label_imports (
            batch_id, step, announced_at, partition, partitions, reports, announced_by
        )
        VALUES (batch, 'counted', clock_timestamp(), 0, 1, wanted, ended_by)
        RETURNING known_at INTO moment;
    ELSIF EXISTS (SELECT FROM public.label_imports AS c WHERE c.batch_id = batch AND c.step = 'counted') THEN
        -- Rows that came once more behind the end of what counts already.
        DELETE FROM public.held_reports AS h WHERE h.batch_id = batch;
    ELSIF abandoned_at IS NOT NULL THEN
        -- Somebody abandoned it while it was imported, and rows were forgotten: it has to be told again.
        INSERT INTO public.label_imports (
            batch_id, step, announced_at, partition, partitions, reports, announced_by
        )
        VALUES (batch, 'begun', ended_at, 0, 1, wanted, ended_by)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN moment;
END;
$$;
COMMENT ON FUNCTION count_import(uuid, timestamptz) IS
    'Where the end of a batch that was announced at ended_at is known from every partition, all its rows are held '
    'and nobody abandoned it before: records that it counts, and returns since when. NULL otherwise.';

CREATE FUNCTION release_reports(batch uuid, moment timestamptz, after_row integer)
RETURNS TABLE (last_row integer, reports bigint, outcomes bigint, skin_types bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- After small files, or by statistics of another file, 20,000 rows look like one.
SET enable_nestloop = off
AS $$
DECLARE
    until_row integer;
BEGIN
    SELECT max(c."row") INTO until_row FROM (
        SELECT h."row" FROM public.held_reports AS h
        WHERE h.batch_id = batch AND h."row" > after_row
        ORDER BY h."row"
        LIMIT 20000
    ) AS c;
    RETURN QUERY
    WITH chunk AS (
        DELETE FROM public.held_reports AS h
        WHERE h.batch_id = batch AND h."row" > after_row AND h."row" <= until_row
        RETURNING h.outcome, h.skin_type
    ),
    said AS MATERIALIZED (
        SELECT r.*
        FROM chunk AS c
        CROSS JOIN LATERAL jsonb_populate_record(NULL::public.ground_truth, c.outcome) AS r
        WHERE c.outcome IS NOT NULL
    ),
    firsts AS (
        INSERT INTO public.ground_truth (
            report_id, screening_id, bucket, key, accession, malignant, diagnosis, source,
            verification_reason, sampling_probability, reported_at, supersedes, imported_by, batch_id,
            first_of_screening, known_at
        )
        SELECT
            r.report_id, r.screening_id, r.bucket, r.key, r.accession, r.malignant, r.diagnosis, r.source,
            r.verification_reason, r.sampling_probability, r.reported_at, r.supersedes, r.imported_by,
            r.batch_id, true, moment
        FROM said AS r
        WHERE r.screening_id IS NOT NULL
        ON CONFLICT DO NOTHING
        RETURNING report_id
    ),
    furthers AS (
        INSERT INTO public.ground_truth (
            report_id, screening_id, bucket, key, accession, malignant, diagnosis, source,
            verification_reason, sampling_probability, reported_at, supersedes, imported_by, batch_id,
            first_of_screening, known_at
        )
        SELECT
            r.report_id, r.screening_id, r.bucket, r.key, r.accession, r.malignant, r.diagnosis, r.source,
            r.verification_reason, r.sampling_probability, r.reported_at, r.supersedes, r.imported_by,
            r.batch_id, false, moment
        FROM said AS r
        WHERE NOT EXISTS (SELECT FROM firsts AS f WHERE f.report_id = r.report_id)
        ON CONFLICT ON CONSTRAINT pk_ground_truth DO NOTHING
        RETURNING report_id
    ),
    types AS (
        INSERT INTO public.skin_type_reports (
            report_id, screening_id, bucket, key, accession, fst, fst_source, reported_at, imported_by,
            batch_id, known_at
        )
        SELECT
            r.report_id, r.screening_id, r.bucket, r.key, r.accession, r.fst, r.fst_source, r.reported_at,
            r.imported_by, r.batch_id, moment
        FROM chunk AS c
        CROSS JOIN LATERAL jsonb_populate_record(NULL::public.skin_type_reports, c.skin_type) AS r
        WHERE c.skin_type IS NOT NULL
        ON CONFLICT ON CONSTRAINT pk_skin_type_reports DO NOTHING
        RETURNING report_id
    )
    SELECT
        until_row, (SELECT count(c.outcome) + count(c.skin_type) FROM chunk AS c),
        (SELECT count(*) FROM firsts) + (SELECT count(*) FROM furthers), (SELECT count(*) FROM types);
END;
$$;
COMMENT ON FUNCTION release_reports(uuid, timestamptz, integer) IS
    'Makes the next 20,000 held rows of a batch behind after_row reports that are known since moment, which '
    'count_import gave in the same transaction. To be called until last_row is NULL.';

CREATE FUNCTION forget_reports(batch uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    DELETE FROM public.held_reports AS h WHERE h.batch_id = batch;
END;
COMMENT ON FUNCTION forget_reports(uuid) IS
    'Drops what had come of an abandoned batch. Whoever imports it meanwhile does so again: without these rows it '
    'is not whole.';

REVOKE ALL ON FUNCTION
    count_import(uuid, timestamptz), release_reports(uuid, timestamptz, integer), forget_reports(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    count_import(uuid, timestamptz), release_reports(uuid, timestamptz, integer), forget_reports(uuid)
    TO evenscreen_labeller;
GRANT INSERT ON held_reports TO evenscreen_labeller;

-- A large file begins to count in one transaction, for which increments wait.
CREATE OR REPLACE FUNCTION figures.settle(as_of timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own xid8 := pg_current_xact_id();
    deadline timestamptz := clock_timestamp() + interval '5 minutes';
BEGIN
    IF as_of > clock_timestamp() THEN
        RAISE EXCEPTION 'as_of lies in the future' USING ERRCODE = '22023';
    END IF;
    -- Rows carry the time at which they were written and are seen when their transaction ends: wait for all
    -- that began to write before this one did.
    WHILE pg_snapshot_xmin(pg_current_snapshot()) < own LOOP
        IF clock_timestamp() > deadline THEN
            RAISE EXCEPTION 'a transaction that began before as_of still writes: try again later'
                USING ERRCODE = '55000';
        END IF;
        PERFORM pg_sleep(0.05);
    END LOOP;
END;
$$;
