-- Posting what stands alone: one linked set, or many, each with its own outcome.

-- Appends a linked set of transfers, all or none, and moves the guarded balances they touch.
CREATE OR REPLACE FUNCTION ledger.post_transfers(
    p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_kinds text[],
    p_correlations uuid[], p_counts_at timestamptz[], p_recorded_at timestamptz,
    p_happened_at timestamptz[] DEFAULT NULL
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_outcomes text[];
BEGIN
    IF cardinality(p_ids) <= 4 THEN
        PERFORM ledger.append_few(p_ids, p_debits, p_credits, p_amounts, p_kinds, p_correlations,
                                  NULL, p_counts_at, p_recorded_at, p_happened_at, NULL, true);
        RETURN;
    END IF;
    v_outcomes := ledger.append_many(
        array_fill(1, ARRAY[cardinality(p_ids)]), p_ids, p_debits, p_credits, p_amounts, p_kinds,
        p_correlations, p_counts_at, p_recorded_at, p_happened_at);
    IF v_outcomes[1] <> 'posted' THEN
        PERFORM ledger.refuse(v_outcomes[1]);
    END IF;
END $$;

-- Raises an outcome as an error.
CREATE OR REPLACE FUNCTION ledger.refuse(p_state text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger refuses: %', p_state USING ERRCODE = p_state;
END $$;

-- Many linked sets in one pass, each with its own outcome: 'posted', or an SQLSTATE; raises for none.
CREATE OR REPLACE FUNCTION ledger.post_sets(
    p_set integer[], p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[],
    p_kinds text[], p_correlations uuid[], p_counts_at timestamptz[], p_recorded_at timestamptz,
    p_happened_at timestamptz[] DEFAULT NULL
) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN ledger.append_many(p_set, p_ids, p_debits, p_credits, p_amounts, p_kinds, p_correlations,
                              p_counts_at, p_recorded_at, p_happened_at);
END $$;

-- How many of these transfers exist with exactly this content: tells a retry from a reused id.
CREATE OR REPLACE FUNCTION ledger.count_same(
    p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_kinds text[],
    p_correlations uuid[]
) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(*)
      FROM unnest(p_ids, p_debits, p_credits, p_amounts, p_kinds, p_correlations)
        AS t(id, debit, credit, amount, kind, correlation)
      JOIN ledger.transfer x ON x.id = t.id AND x.debit_account_id = t.debit
       AND x.credit_account_id = t.credit AND x.amount = t.amount AND x.kind = t.kind
       AND x.correlation_id = t.correlation
$$;
