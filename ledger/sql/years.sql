-- Years of the book: `ledger.transfer` is partitioned by its id, whose first 48 bits are milliseconds.

-- The smallest UUIDv7 of a year (UTC).
CREATE OR REPLACE FUNCTION ledger.first_id_of(p_year integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT rpad(lpad(to_hex((extract(epoch FROM make_timestamptz(p_year, 1, 1, 0, 0, 0, 'UTC'))
                             * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;

-- Makes the partition of a year, for the owner alone; does nothing where the year was made, also where
-- it has been detached since.
CREATE OR REPLACE FUNCTION ledger.add_year(p_year integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_name text := format('transfer_%s', p_year);
BEGIN
    IF to_regclass(format('ledger.%I', v_name)) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE ledger.%I PARTITION OF ledger.transfer FOR VALUES FROM (%L) TO (%L)',
                   v_name, ledger.first_id_of(p_year), ledger.first_id_of(p_year + 1));
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON ledger.%I FOR EACH STATEMENT '
                   'EXECUTE FUNCTION platform.refuse_change()',
                   format('ledger_%s_not_truncated', v_name), v_name);
END $$;
