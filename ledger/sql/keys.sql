-- Idempotency keys: claimed by themselves, or with the transfers that they stand for.

-- Claims an idempotency key. Returns NULL when it was free (it is now taken, with `p_outcome`), or
-- what was kept under it: {"content_hash": hex, "outcome": …}. Waits for a concurrent claimant.
CREATE OR REPLACE FUNCTION ledger.claim_key(
    p_scope text, p_key text, p_content_hash bytea, p_outcome jsonb, p_at timestamptz
) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO ledger.idempotency (scope, key, content_hash, outcome, recorded_at)
    VALUES (p_scope, p_key, p_content_hash, p_outcome, p_at)
    ON CONFLICT (scope, key) DO NOTHING;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    RETURN ledger.find_outcome(p_scope, p_key);
END $$;

-- Claims many keys in their order; for each, NULL or what was kept under it.
CREATE OR REPLACE FUNCTION ledger.claim_keys(
    p_scopes text[], p_keys text[], p_hashes bytea[], p_outcomes jsonb[], p_at timestamptz
) RETURNS jsonb[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_taken text[];
BEGIN
    WITH taken AS (
        INSERT INTO ledger.idempotency (scope, key, content_hash, outcome, recorded_at)
        SELECT scope, key, hash, outcome, p_at
          FROM unnest(p_scopes, p_keys, p_hashes, p_outcomes) AS t(scope, key, hash, outcome)
         ORDER BY scope, key
        ON CONFLICT (scope, key) DO NOTHING
        RETURNING scope, key
    )
    SELECT array_agg(format('%s %s', scope, key)) INTO v_taken FROM taken;
    IF cardinality(v_taken) = cardinality(p_keys) THEN
        RETURN array_fill(NULL::jsonb, ARRAY[cardinality(p_keys)]);
    END IF;
    -- A new statement sees what another transaction committed while this one waited for it.
    RETURN (
        SELECT array_agg(
                   CASE WHEN t.n = t.first AND format('%s %s', t.scope, t.key) = ANY (v_taken) THEN NULL
                        ELSE jsonb_build_object('content_hash', encode(i.content_hash, 'hex'),
                                                'outcome', i.outcome) END ORDER BY t.n)
          FROM (SELECT scope, key, n, min(n) OVER (PARTITION BY scope, key) AS first
                  FROM unnest(p_scopes, p_keys) WITH ORDINALITY AS u(scope, key, n)) t
          JOIN ledger.idempotency i ON i.scope = t.scope AND i.key = t.key);
END $$;

-- What was kept under a key, or NULL.
CREATE OR REPLACE FUNCTION ledger.find_outcome(p_scope text, p_key text) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('content_hash', encode(content_hash, 'hex'), 'outcome', outcome)
      FROM ledger.idempotency WHERE scope = p_scope AND key = p_key
$$;

-- One linked set with its key: posted and taken together. Gives 'posted'; for a retry the first outcome
-- again, a refusal's SQLSTATE too; 'conflict' when the key served for something else. Raises a refusal's
-- SQLSTATE (the caller keeps it under the key), or SL013 when the same key got through meanwhile.
CREATE OR REPLACE FUNCTION ledger.post_keyed(
    p_scope text, p_key text, p_content_hash bytea,
    p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_kinds text[],
    p_correlations uuid[], p_counts_at timestamptz[], p_recorded_at timestamptz,
    p_happened_at timestamptz[] DEFAULT NULL
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_kept ledger.idempotency;
BEGIN
    SELECT * INTO v_kept FROM ledger.idempotency WHERE scope = p_scope AND key = p_key;
    IF FOUND THEN
        RETURN CASE WHEN v_kept.content_hash = p_content_hash THEN v_kept.outcome #>> '{}'
                    ELSE 'conflict' END;
    END IF;
    PERFORM ledger.append_few(p_ids, p_debits, p_credits, p_amounts, p_kinds, p_correlations,
                              NULL, p_counts_at, p_recorded_at, p_happened_at, NULL, true);
    INSERT INTO ledger.idempotency (scope, key, content_hash, outcome, recorded_at)
    VALUES (p_scope, p_key, p_content_hash, '"posted"', p_recorded_at)
    ON CONFLICT (scope, key) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the key was taken meanwhile' USING ERRCODE = 'SL013';
    END IF;
    RETURN 'posted';
END $$;

-- Keeps outcomes under keys that were free when last looked at; SL013 when one was taken meanwhile.
CREATE OR REPLACE FUNCTION ledger.keep_outcomes(
    p_scopes text[], p_keys text[], p_hashes bytea[], p_outcomes text[], p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_kept bigint;
BEGIN
    INSERT INTO ledger.idempotency (scope, key, content_hash, outcome, recorded_at)
    SELECT scope, key, hash, to_jsonb(outcome), p_at
      FROM unnest(p_scopes, p_keys, p_hashes, p_outcomes) AS t(scope, key, hash, outcome)
     ORDER BY scope, key
    ON CONFLICT (scope, key) DO NOTHING;
    GET DIAGNOSTICS v_kept = ROW_COUNT;
    IF v_kept <> cardinality(p_keys) THEN
        RAISE EXCEPTION 'a key was taken meanwhile' USING ERRCODE = 'SL013';
    END IF;
END $$;

-- As ledger.post_keyed, for many: one outcome for each of `p_keys`, whose set `p_set` numbers. A key
-- that comes twice in one call has its first outcome twice. Raises SL013 when a key was taken meanwhile:
-- ask again. Balances are taken before keys, as in post_keyed: a refusal is known before it is kept.
CREATE OR REPLACE FUNCTION ledger.post_many_keyed(
    p_scopes text[], p_keys text[], p_hashes bytea[],
    p_set integer[], p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[],
    p_kinds text[], p_correlations uuid[], p_counts_at timestamptz[], p_recorded_at timestamptz,
    p_happened_at timestamptz[] DEFAULT NULL
) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_outcomes text[];
    v_first integer[];
    v_repeats boolean;
    v_old text[];
    v_scopes text[];
    v_keys text[];
    v_hashes bytea[];
    v_row integer;
BEGIN
    PERFORM ledger.open_books();
    PERFORM 1 FROM ledger.balance WHERE account_id = ANY (p_debits || p_credits)
      ORDER BY account_id FOR UPDATE;
    -- Read after the locks: whoever posted the same key meanwhile held them, and has committed.
    SELECT array_agg(CASE WHEN i.key IS NULL THEN NULL
                          WHEN i.content_hash = t.hash THEN i.outcome #>> '{}'
                          ELSE 'conflict' END ORDER BY t.n),
           array_agg(t.first ORDER BY t.n),
           bool_or(i.key IS NOT NULL OR t.first <> t.n)
      INTO v_old, v_first, v_repeats
      FROM (SELECT scope, key, hash, n, min(n) OVER (PARTITION BY scope, key) AS first
              FROM unnest(p_scopes, p_keys, p_hashes) WITH ORDINALITY AS u(scope, key, hash, n)) t
      LEFT JOIN ledger.idempotency i ON i.scope = t.scope AND i.key = t.key;

    IF NOT v_repeats THEN
        v_outcomes := ledger.append_many(p_set, p_ids, p_debits, p_credits, p_amounts, p_kinds,
                                         p_correlations, p_counts_at, p_recorded_at, p_happened_at);
        PERFORM ledger.keep_outcomes(p_scopes, p_keys, p_hashes, v_outcomes, p_recorded_at);
        RETURN v_outcomes;
    END IF;

    -- Some were asked before, here or elsewhere: only the new ones are posted, numbered anew.
    WITH fresh AS (
        SELECT n, row_number() OVER (ORDER BY n) AS place
          FROM unnest(v_old, v_first) WITH ORDINALITY AS t(old, first, n)
         WHERE old IS NULL AND first = n
    ), row AS (
        SELECT f.n AS item, f.place, t.*
          FROM unnest(p_set, p_ids, p_debits, p_credits, p_amounts, p_kinds, p_correlations,
                      p_counts_at, p_happened_at) WITH ORDINALITY
            AS t(set, id, debit, credit, amount, kind, correlation, counts_at, happened_at, r)
          JOIN fresh f ON f.n = t.set
    )
    SELECT array_agg(item ORDER BY r), array_agg(place::integer ORDER BY r), array_agg(id ORDER BY r),
           array_agg(debit ORDER BY r), array_agg(credit ORDER BY r), array_agg(amount ORDER BY r),
           array_agg(kind ORDER BY r), array_agg(correlation ORDER BY r),
           array_agg(counts_at ORDER BY r), array_agg(happened_at ORDER BY r)
      FROM row
      INTO v_first, p_set, p_ids, p_debits, p_credits, p_amounts, p_kinds, p_correlations,
           p_counts_at, p_happened_at;
    v_outcomes := v_old;
    IF p_ids IS NOT NULL THEN
        v_old := ledger.append_many(p_set, p_ids, p_debits, p_credits, p_amounts, p_kinds,
                                    p_correlations, p_counts_at, p_recorded_at, p_happened_at);
        FOR v_row IN 1 .. cardinality(v_first) LOOP
            v_outcomes[v_first[v_row]] := v_old[p_set[v_row]];
        END LOOP;
        SELECT array_agg(scope), array_agg(key), array_agg(hash), array_agg(outcome)
          INTO v_scopes, v_keys, v_hashes, v_old
          FROM unnest(p_scopes, p_keys, p_hashes, v_outcomes) WITH ORDINALITY
            AS t(scope, key, hash, outcome, n)
         WHERE n = ANY (v_first);
        PERFORM ledger.keep_outcomes(v_scopes, v_keys, v_hashes, v_old, p_recorded_at);
    END IF;
    -- The later comers of a key that came twice.
    SELECT array_agg(coalesce(outcome, CASE WHEN hash = first_hash THEN first_outcome
                                            ELSE 'conflict' END) ORDER BY n)
      INTO v_outcomes
      FROM (SELECT outcome, hash, n,
                   first_value(hash) OVER same AS first_hash,
                   first_value(outcome) OVER same AS first_outcome
              FROM unnest(p_scopes, p_keys, p_hashes, v_outcomes) WITH ORDINALITY
                AS t(scope, key, hash, outcome, n)
            WINDOW same AS (PARTITION BY scope, key ORDER BY n)) told;
    RETURN v_outcomes;
END $$;
