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

-- The ids that a set-based statement gives its rows 0, 1, 2…: of one moment, in their order, with a
-- random end that is drawn once (RFC 9562 §6.2). `p_base` is platform.uuid7_base(at), n below 2^24; 28672
-- is version 7 over 12 bits of n, 32768 the variant over its 12 others.
CREATE OR REPLACE FUNCTION platform.uuid7_base(at timestamptz) RETURNS text[]
LANGUAGE sql VOLATILE AS $$
    SELECT ARRAY[lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0'),
                 right(gen_random_uuid()::text, 12)]
$$;
CREATE OR REPLACE FUNCTION platform.uuid7_nth(p_base text[], n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (p_base[1] || to_hex(28672 | (n >> 12)) || to_hex(32768 | (n & 4095)) || p_base[2])::uuid
$$;
