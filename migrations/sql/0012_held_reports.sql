-- Reports of a file wait here until all of it has come, and then count with one step: a file counts whole or
-- not at all. Frozen: what changes later is a later revision.

CREATE TABLE held_reports (
    batch_id uuid NOT NULL,
    held_id bigint GENERATED ALWAYS AS IDENTITY,
    outcome jsonb,
    skin_type jsonb,
    CONSTRAINT pk_held_reports PRIMARY KEY (batch_id, held_id),
    CONSTRAINT ck_held_reports_says_one_thing CHECK (num_nonnulls(outcome, skin_type) = 1)
);
COMMENT ON TABLE held_reports IS
    'Reports of files that have not come to their end. The same report may be here several times.';
COMMENT ON COLUMN held_reports.batch_id IS 'The import, as its reports bear it';
COMMENT ON COLUMN held_reports.held_id IS 'Rises with time';
COMMENT ON COLUMN held_reports.outcome IS
    'What will be a row of ground_truth; its key, if it has one, is personal data';
COMMENT ON COLUMN held_reports.skin_type IS
    'What will be a row of skin_type_reports; its key, if it has one, is personal data';

-- A person who abandons a file decides that nobody waits for it, not that what has come is destroyed:
-- whoever imports the file again after all may do so meanwhile.
CREATE FUNCTION release_reports(batch uuid, ended_at timestamptz, after_id bigint)
RETURNS TABLE (last_id bigint, released bigint, outcomes bigint, skin_types bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moment timestamptz;
    held_ids bigint[];
BEGIN
    SELECT max(i.known_at) INTO moment
    FROM public.label_imports AS i
    WHERE i.batch_id = batch AND i.step = 'finished' AND i.announced_at = ended_at
    HAVING count(*) = max(i.partitions);
    IF moment IS NULL THEN
        RETURN QUERY SELECT NULL::bigint, 0::bigint, 0::bigint, 0::bigint;
        RETURN;
    END IF;
    SELECT array_agg(c.held_id) INTO held_ids FROM (
        SELECT h.held_id FROM public.held_reports AS h
        WHERE h.batch_id = batch AND h.held_id > after_id
        ORDER BY h.held_id
        LIMIT 20000
    ) AS c;
    IF held_ids IS NULL THEN
        DELETE FROM public.held_reports AS h WHERE h.batch_id = batch;
        RETURN QUERY SELECT NULL::bigint, 0::bigint, 0::bigint, 0::bigint;
        RETURN;
    END IF;
    RETURN QUERY
    WITH chunk AS MATERIALIZED (
        SELECT h.outcome, h.skin_type FROM public.held_reports AS h
        WHERE h.batch_id = batch AND h.held_id BETWEEN held_ids[1] AND held_ids[cardinality(held_ids)]
    ),
    reports AS MATERIALIZED (
        SELECT r.*
        FROM chunk AS c
        CROSS JOIN LATERAL jsonb_populate_record(NULL::public.ground_truth, c.outcome) AS r
        WHERE c.outcome IS NOT NULL
    ),
    -- All become known when the file came to its end. Whoever asks what was known then waits for this
    -- transaction: it holds a lock on label_imports since before that moment.
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
        FROM reports AS r
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
        FROM reports AS r
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
        held_ids[cardinality(held_ids)], cardinality(held_ids)::bigint,
        (SELECT count(*) FROM firsts) + (SELECT count(*) FROM furthers), (SELECT count(*) FROM types);
END;
$$;
COMMENT ON FUNCTION release_reports(uuid, timestamptz, bigint) IS
    'Where the end of a batch that was announced at ended_at is known from every partition: makes the next '
    '20,000 reports held after after_id count, known since that end, and says up to which it came; when none '
    'is left, forgets them all and says NULL. To be called until it does, within the transaction that recorded '
    'the end, one transaction at a time.';

REVOKE ALL ON FUNCTION release_reports(uuid, timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION release_reports(uuid, timestamptz, bigint) TO evenscreen_labeller;
GRANT INSERT ON held_reports TO evenscreen_labeller;

COMMENT ON VIEW audit.label_imports IS
    'Every time that somebody began to import a file of outcomes or skin types. Until the file is finished, '
    'nothing of it counts here.';
COMMENT ON COLUMN audit.label_imports.known_at IS 'When that became known here';
COMMENT ON COLUMN audit.label_imports.finished_at IS
    'When all rows of the file were here, whoever brought the last of them, which may have been before this '
    'import began: its reports are known since then; NULL while it has not ended';
COMMENT ON COLUMN audit.label_imports.abandoned_by IS 'Who decided afterwards that nobody waits for it';

-- A file of two million reports is one transaction of some minutes: increments wait for it.
CREATE OR REPLACE FUNCTION figures.settle(as_of timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own xid8 := pg_current_xact_id();
    deadline timestamptz := clock_timestamp() + interval '10 minutes';
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
