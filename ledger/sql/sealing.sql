-- How the sealed log grows: at its end, and no other way. The application role writes none of its tables.

-- Appends leaves to one bundle, after those it has. Raises SP001 where they aren't the next ones.
CREATE OR REPLACE FUNCTION ledger.seal_leaves(p_number bigint, p_ids uuid[], p_hashes bytea)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_lowest uuid := (SELECT id FROM unnest(p_ids) AS each(id) ORDER BY id LIMIT 1);
    v_highest uuid := (SELECT id FROM unnest(p_ids) AS each(id) ORDER BY id DESC LIMIT 1);
BEGIN
    INSERT INTO ledger.seal_bundle AS b (number, transfer_ids, hashes, lowest_id, highest_id)
    VALUES (p_number, p_ids, p_hashes, v_lowest, v_highest)
    ON CONFLICT (number) DO UPDATE
       SET transfer_ids = b.transfer_ids || EXCLUDED.transfer_ids,
           hashes = b.hashes || EXCLUDED.hashes,
           lowest_id = least(b.lowest_id, EXCLUDED.lowest_id),
           highest_id = greatest(b.highest_id, EXCLUDED.highest_id);
END $$;

-- Appends nodes to one tile of a level above the leaves.
CREATE OR REPLACE FUNCTION ledger.seal_nodes(p_level integer, p_number bigint, p_hashes bytea)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO ledger.seal_tile AS t (level, number, hashes) VALUES (p_level, p_number, p_hashes)
    ON CONFLICT (level, number) DO UPDATE SET hashes = t.hashes || EXCLUDED.hashes;
END $$;

-- Ends a round: everything visible in `p_snapshot` is sealed by now. Raises SP001 where the leaves
-- aren't as many as it says.
CREATE OR REPLACE FUNCTION ledger.end_seal_round(
    p_size bigint, p_root bytea, p_snapshot text, p_system text, p_started_over boolean,
    p_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_size <> (SELECT b.number * 256 + cardinality(b.transfer_ids)
                    FROM ledger.seal_bundle b ORDER BY b.number DESC LIMIT 1)
       OR p_size <= (SELECT max(size) FROM ledger.seal_round) THEN
        RAISE EXCEPTION 'a round ends at its last leaf' USING ERRCODE = 'SP001';
    END IF;
    INSERT INTO ledger.seal_round (size, root, snapshot, system_identifier, started_over, recorded_at)
    VALUES (p_size, p_root, p_snapshot::pg_snapshot::text, p_system, p_started_over, p_at);
END $$;

-- Keeps a signed checkpoint; the first one of a size stays.
CREATE OR REPLACE FUNCTION ledger.keep_checkpoint(
    p_size bigint, p_note text, p_time_stamp bytea, p_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO ledger.checkpoint (size, note, time_stamp, recorded_at)
    VALUES (p_size, p_note, p_time_stamp, p_at) ON CONFLICT (size) DO NOTHING;
END $$;

-- The place of a transfer in the log, from 0; NULL where it isn't sealed.
CREATE OR REPLACE FUNCTION ledger.leaf_of(p_id uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT b.number * 256 + array_position(b.transfer_ids, p_id) - 1
      FROM ledger.seal_bundle b
     WHERE ledger.uuid_range(b.lowest_id, b.highest_id, '[]') @> p_id
       AND array_position(b.transfer_ids, p_id) IS NOT NULL
     ORDER BY b.number LIMIT 1
$$;

GRANT EXECUTE ON FUNCTION
    ledger.seal_leaves, ledger.seal_nodes, ledger.end_seal_round, ledger.keep_checkpoint
TO sesame_app;
GRANT EXECUTE ON FUNCTION ledger.leaf_of TO sesame_app, sesame_reader;
