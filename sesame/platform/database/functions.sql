-- What every room's SQL may use. Applied after each upgrade.

-- A UUIDv7 (RFC 9562) of the moment `at`, for set-based statements; elsewhere Python makes the ids.
CREATE OR REPLACE FUNCTION platform.uuid7(at timestamptz) RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                PLACING substring(int8send(floor(extract(epoch FROM at) * 1000)::bigint) FROM 3)
                FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;
