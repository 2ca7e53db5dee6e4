-- Back to the revision before. Reports of files that had not come to their end are lost: import them again.

CREATE OR REPLACE FUNCTION figures.settle(as_of timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own xid8 := pg_current_xact_id();
    deadline timestamptz := clock_timestamp() + interval '30 seconds';
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
COMMENT ON VIEW audit.label_imports IS
    'Every time that somebody began to import a file of outcomes or skin types. Until the file is finished or '
    'abandoned, a part of it may be missing here.';
COMMENT ON COLUMN audit.label_imports.known_at IS
    'When that became known here: before any row of it; half of the file may be here since';
COMMENT ON COLUMN audit.label_imports.finished_at IS
    'When all rows of the file were here, whoever brought the last of them, which may have been before this '
    'import began; NULL while some may be missing';
COMMENT ON COLUMN audit.label_imports.abandoned_by IS 'Who decided afterwards that no more of it will come';
DROP FUNCTION release_reports(uuid, timestamptz, bigint);
DROP TABLE held_reports;
