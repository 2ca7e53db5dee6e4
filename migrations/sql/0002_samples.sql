-- Random samples of unflagged cases for verification.

CREATE VIEW audit.verification_draws AS
SELECT draw_id, model_version, since, until, seed, wanted, population, drawn_by, drawn_at
FROM public.verification_draws;
COMMENT ON VIEW audit.verification_draws IS 'Random samples of unflagged cases for verification.';
COMMENT ON COLUMN audit.verification_draws.draw_id IS 'Rises with time';
COMMENT ON COLUMN audit.verification_draws.model_version IS 'The model that flagged none of the cases';
COMMENT ON COLUMN audit.verification_draws.since IS 'Begin of the window on Last-Modified, included';
COMMENT ON COLUMN audit.verification_draws.until IS 'End of the window, excluded';
COMMENT ON COLUMN audit.verification_draws.seed IS 'Cases are drawn in the order of md5(seed:screening_id)';
COMMENT ON COLUMN audit.verification_draws.wanted IS 'How many cases were asked for';
COMMENT ON COLUMN audit.verification_draws.population IS 'How many unflagged cases had no outcome then';
COMMENT ON COLUMN audit.verification_draws.drawn_by IS 'Who drew';
COMMENT ON COLUMN audit.verification_draws.drawn_at IS 'When, and as of when outcomes were looked at';

CREATE VIEW audit.verification_samples AS
SELECT draw_id, screening_id, sampling_probability
FROM public.verification_samples;
COMMENT ON VIEW audit.verification_samples IS 'The cases of each draw, with the probability of being drawn.';
COMMENT ON COLUMN audit.verification_samples.draw_id IS 'The draw';
COMMENT ON COLUMN audit.verification_samples.screening_id IS 'The case to verify';
COMMENT ON COLUMN audit.verification_samples.sampling_probability IS
    'Size of the sample over that of the population';

-- With its owner's rights: whoever draws needs no right on predictions.
CREATE FUNCTION draw_verification_sample(
    of_model text, from_time timestamptz, to_time timestamptz, with_seed bigint, cases integer, by_whom text
)
RETURNS TABLE (screening_id uuid, sampling_probability double precision, population bigint, drawn_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    -- One draw at a time, so that the same question asked twice at once is drawn once.
    LOCK TABLE public.verification_draws IN SHARE ROW EXCLUSIVE MODE;
    IF NOT EXISTS (
        SELECT FROM public.verification_draws AS d
        WHERE (d.model_version, d.since, d.until, d.seed, d.wanted)
            = (of_model, from_time, to_time, with_seed, cases)
    ) THEN
        WITH population AS MATERIALIZED (
            SELECT r.screening_id
            FROM public.audit_records AS r
            JOIN public.predictions AS p ON p.audit_id = r.audit_id
            WHERE r.model_version = of_model AND r.outcome = 'screened' AND NOT p.flagged
                AND r.last_modified >= from_time AND r.last_modified < to_time
                AND NOT EXISTS (
                    SELECT FROM audit.outcomes(statement_timestamp()) AS o
                    WHERE o.screening_id = r.screening_id
                )
        ),
        drawn AS (
            INSERT INTO public.verification_draws
                (model_version, since, until, seed, wanted, population, drawn_by, drawn_at)
            SELECT of_model, from_time, to_time, with_seed, cases, count(*), by_whom, statement_timestamp()
            FROM population
            HAVING count(*) > 0
            RETURNING draw_id, verification_draws.population
        ),
        chosen AS (
            SELECT p.screening_id
            FROM population AS p
            ORDER BY md5(with_seed || ':' || p.screening_id), p.screening_id
            LIMIT cases
        )
        INSERT INTO public.verification_samples (draw_id, screening_id, sampling_probability)
        SELECT d.draw_id, c.screening_id, least(cases, d.population)::double precision / d.population
        FROM drawn AS d CROSS JOIN chosen AS c;
    END IF;
    RETURN QUERY
    SELECT s.screening_id, s.sampling_probability, d.population, d.drawn_at
    FROM public.verification_draws AS d
    JOIN public.verification_samples AS s ON s.draw_id = d.draw_id
    WHERE (d.model_version, d.since, d.until, d.seed, d.wanted)
        = (of_model, from_time, to_time, with_seed, cases)
    ORDER BY md5(d.seed || ':' || s.screening_id), s.screening_id;
END;
$$;
COMMENT ON FUNCTION draw_verification_sample(text, timestamptz, timestamptz, bigint, integer, text) IS
    'Draws up to `cases` unflagged screened images of a model and window that have no outcome, and records the '
    'draw; the same question again gives the same draw, whatever has become known since.';
