-- Imports of files: that one began, ended or was abandoned. Append-only.
-- Frozen: what changes later is a later revision.

CREATE TABLE label_imports (
    batch_id uuid NOT NULL,
    step text NOT NULL,
    announced_at timestamptz NOT NULL,
    partition smallint NOT NULL,
    partitions smallint NOT NULL,
    reports integer,
    announced_by text NOT NULL,
    known_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_label_imports PRIMARY KEY (batch_id, step, announced_at, partition),
    CONSTRAINT ck_label_imports_step CHECK (step IN ('begun', 'finished', 'abandoned')),
    CONSTRAINT ck_label_imports_partition CHECK (partition >= 0 AND partition < partitions),
    CONSTRAINT ck_label_imports_reports CHECK (reports >= 0),
    CONSTRAINT ck_label_imports_has_reports CHECK ((reports IS NULL) = (step = 'abandoned'))
);
COMMENT ON TABLE label_imports IS
    'What was announced of imports of files, once per partition of the topic: a step is behind, or before, '
    'the rows of its own partition.';
COMMENT ON COLUMN label_imports.batch_id IS
    'The import, as its reports bear it: of the content of the file';
COMMENT ON COLUMN label_imports.step IS 'begun, finished or abandoned';
COMMENT ON COLUMN label_imports.announced_at IS
    'Clock of whoever imports: one announcement, the same in every partition';
COMMENT ON COLUMN label_imports.partition IS 'The partition through which it came';
COMMENT ON COLUMN label_imports.partitions IS 'In how many it was announced';
COMMENT ON COLUMN label_imports.reports IS 'Rows of the file; NULL when abandoned';
COMMENT ON COLUMN label_imports.announced_by IS 'Who imports, or who abandoned it';
COMMENT ON COLUMN label_imports.known_at IS 'Knowledge time: when the row was written';

-- Every row that is read here has its knowledge time, and none of the three can move once it is there:
-- what is answered about a past moment stays the answer.
CREATE VIEW audit.label_imports AS
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
COMMENT ON VIEW audit.label_imports IS
    'Every time that somebody began to import a file of outcomes or skin types. Until the file is finished or '
    'abandoned, a part of it may be missing here.';
COMMENT ON COLUMN audit.label_imports.batch_id IS
    'The import, as its reports bear it: the same file is the same batch';
COMMENT ON COLUMN audit.label_imports.reports IS 'Rows of the file';
COMMENT ON COLUMN audit.label_imports.imported_by IS 'Who brought it';
COMMENT ON COLUMN audit.label_imports.began_at IS 'When it began, by the clock of whoever imported';
COMMENT ON COLUMN audit.label_imports.known_at IS
    'When that became known here: before any row of it; half of the file may be here since';
COMMENT ON COLUMN audit.label_imports.finished_at IS
    'When all rows of the file were here, whoever brought the last of them, which may have been before this '
    'import began; NULL while some may be missing';
COMMENT ON COLUMN audit.label_imports.abandoned_by IS 'Who decided afterwards that no more of it will come';
COMMENT ON COLUMN audit.label_imports.abandoned_at IS 'When that became known here';

GRANT INSERT ON label_imports TO evenscreen_labeller;
GRANT SELECT ON audit.label_imports TO evenscreen_auditor;
