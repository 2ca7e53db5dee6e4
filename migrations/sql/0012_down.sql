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
DROP FUNCTION
    count_import(uuid, timestamptz), release_reports(uuid, timestamptz, integer), forget_reports(uuid);
DROP TABLE held_reports;
CREATE OR REPLACE VIEW audit.label_imports AS
WITH finished AS (
    SELECT batch_id, min(known_at) AS known_at
    FROM (
        SELECT batch_id, max(known_at) AS known_at
        FROM public.label_imports
        WHERE step = 'finished'
        GROUP BY batch_id, announced_at, partitions
        HAVING count(*) = partitions
    ) AS announcement
    GROUP BY batch_id
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
    f.known_at AS finished_at, a.announced_by AS abandoned_by, a.known_at AS abandoned_at
FROM begun AS b
LEFT JOIN finished AS f ON f.batch_id = b.batch_id
LEFT JOIN LATERAL (
    SELECT i.announced_by, i.known_at
    FROM public.label_imports AS i
    WHERE i.batch_id = b.batch_id AND i.step = 'abandoned' AND i.announced_at >= b.announced_at
    ORDER BY i.known_at
    LIMIT 1
) AS a ON true;
-- An end of a file that never counted would be taken for one that does.
DELETE FROM label_imports AS f
WHERE f.step = 'finished'
    AND NOT EXISTS (SELECT FROM label_imports AS c WHERE c.batch_id = f.batch_id AND c.step = 'counted');
DELETE FROM label_imports WHERE step = 'counted';
ALTER TABLE label_imports DROP CONSTRAINT ck_label_imports_step;
ALTER TABLE label_imports ADD CONSTRAINT ck_label_imports_step CHECK (step IN ('begun', 'finished', 'abandoned'));
COMMENT ON COLUMN label_imports.step IS 'begun, finished or abandoned';
