-- What the ledger publishes. Every function takes its time as a parameter.
-- Outcomes are SQLSTATEs: SL001 insufficient balance, SL002 unknown account, SL003 two assets;
-- 23505 on the transfer's key when an id was used before (see ledger.count_same).

-- Appends a linked set of transfers, all or none, and moves the guarded balances they touch.
-- Balances are locked in the order of their account ids. Planned once a connection: whatever the
-- arrays hold, the accounts are looked up by their key, and planning costs more than doing it.
CREATE OR REPLACE FUNCTION ledger.post_transfers(
    p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_kinds text[],
    p_correlations uuid[], p_corrects uuid[], p_counts_at timestamptz[], p_recorded_at timestamptz
) RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_known bigint;
    v_mixed bigint;
    v_guarded bigint;
    v_moved bigint;
BEGIN
    SELECT count(*) FILTER (WHERE d.id IS NOT NULL AND c.id IS NOT NULL),
           count(*) FILTER (WHERE d.asset <> c.asset),
           count(DISTINCT d.id) FILTER (WHERE d.guarded)
      INTO v_known, v_mixed, v_guarded
      FROM unnest(p_debits, p_credits) AS t(debit, credit)
      LEFT JOIN ledger.account d ON d.id = t.debit
      LEFT JOIN ledger.account c ON c.id = t.credit;
    IF v_known <> cardinality(p_ids) THEN
        RAISE EXCEPTION 'unknown account' USING ERRCODE = 'SL002';
    END IF;
    IF v_mixed > 0 THEN
        RAISE EXCEPTION 'two assets in one transfer' USING ERRCODE = 'SL003';
    END IF;

    WITH legs AS (
        SELECT debit AS account_id, -amount AS delta, 1 AS out
          FROM unnest(p_debits, p_amounts) AS t(debit, amount)
        UNION ALL
        SELECT credit, amount, 0 FROM unnest(p_credits, p_amounts) AS t(credit, amount)
    ), net AS (
        SELECT account_id, sum(delta)::bigint AS delta, max(out) AS out
          FROM legs GROUP BY account_id
    ), locked AS (
        SELECT b.account_id, net.delta, net.out
          FROM ledger.balance b JOIN net USING (account_id)
         ORDER BY b.account_id FOR UPDATE OF b
    ), moved AS (
        UPDATE ledger.balance b SET balance = b.balance + locked.delta
          FROM locked
         WHERE b.account_id = locked.account_id AND b.balance + locked.delta >= 0
        RETURNING locked.out
    )
    SELECT count(*) FILTER (WHERE out = 1) INTO v_moved FROM moved;
    IF v_moved <> v_guarded THEN
        RAISE EXCEPTION 'insufficient balance' USING ERRCODE = 'SL001';
    END IF;

    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, corrects_id, counts_at, recorded_at)
    SELECT id, debit, credit, amount, kind, correlation, corrects, counts_at, p_recorded_at
      FROM unnest(p_ids, p_debits, p_credits, p_amounts, p_kinds, p_correlations, p_corrects,
                  p_counts_at)
        AS t(id, debit, credit, amount, kind, correlation, corrects, counts_at);
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

-- Opens one guarded entitlement account for each element and funds it from the share plan's
-- envelopes, in one statement for as many grants as the arrays hold. A funder's part is the rounded
-- share of the amount cumulated over the funders before it, so the parts always sum to the amount.
CREATE OR REPLACE FUNCTION ledger.post_grants(
    p_accounts uuid[], p_amounts bigint[], p_share_plan uuid, p_correlation uuid,
    p_counts_at timestamptz, p_recorded_at timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_funders bigint;
    v_debited bigint;
    v_total bigint;
BEGIN
    INSERT INTO ledger.account (id, asset, kind, guarded, share_plan_id, created_at)
    SELECT id, 'EUR', 'entitlement', true, p_share_plan, p_recorded_at FROM unnest(p_accounts) AS id;

    INSERT INTO ledger.balance (account_id, balance)
    SELECT id, amount FROM unnest(p_accounts, p_amounts) AS t(id, amount);

    WITH bound AS (
        SELECT envelope_id, position,
               sum(weight) OVER (ORDER BY position)::bigint AS upto,
               (sum(weight) OVER (ORDER BY position) - weight)::bigint AS before,
               sum(weight) OVER ()::bigint AS whole
          FROM ledger.share WHERE share_plan_id = p_share_plan
    ), part AS (
        SELECT b.envelope_id, t.id AS account_id,
               (2 * t.amount * b.upto + b.whole) / (2 * b.whole)
               - (2 * t.amount * b.before + b.whole) / (2 * b.whole) AS amount
          FROM unnest(p_accounts, p_amounts) AS t(id, amount) CROSS JOIN bound b
    ), posted AS (
        INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                     correlation_id, counts_at, recorded_at)
        SELECT platform.uuid7(p_recorded_at), envelope_id, account_id, amount, 'grant',
               p_correlation, p_counts_at, p_recorded_at
          FROM part WHERE amount > 0
        RETURNING debit_account_id, amount
    ), owed AS (
        SELECT debit_account_id AS envelope_id, sum(amount)::bigint AS amount
          FROM posted GROUP BY debit_account_id
    ), locked AS (
        SELECT b.account_id, owed.amount FROM ledger.balance b
          JOIN owed ON owed.envelope_id = b.account_id
         ORDER BY b.account_id FOR UPDATE OF b
    ), debited AS (
        UPDATE ledger.balance b SET balance = b.balance - locked.amount FROM locked
         WHERE b.account_id = locked.account_id AND b.balance >= locked.amount
        RETURNING locked.amount
    )
    SELECT (SELECT count(*) FROM owed), (SELECT count(*) FROM debited),
           (SELECT coalesce(sum(amount), 0) FROM debited)
      INTO v_funders, v_debited, v_total;
    IF v_debited <> v_funders THEN
        RAISE EXCEPTION 'insufficient balance' USING ERRCODE = 'SL001';
    END IF;
    RETURN v_total;
END $$;

-- Claims an idempotency key. Returns NULL when it was free (it is now taken, with `p_outcome`), or
-- what was kept under it: {"content_hash": hex, "outcome": …}. Waits for a concurrent claimant.
CREATE OR REPLACE FUNCTION ledger.claim_key(
    p_scope text, p_key text, p_content_hash bytea, p_outcome jsonb, p_at timestamptz
) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger.idempotency (scope, key, content_hash, outcome, recorded_at)
    VALUES (p_scope, p_key, p_content_hash, p_outcome, p_at)
    ON CONFLICT (scope, key) DO NOTHING;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    RETURN ledger.find_outcome(p_scope, p_key);
END $$;

-- What was kept under a key, or NULL.
CREATE OR REPLACE FUNCTION ledger.find_outcome(p_scope text, p_key text) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('content_hash', encode(content_hash, 'hex'), 'outcome', outcome)
      FROM ledger.idempotency WHERE scope = p_scope AND key = p_key
$$;

-- The present balances of guarded accounts, as {"account id": units}.
CREATE OR REPLACE FUNCTION ledger.balance_of(p_accounts uuid[]) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(account_id, balance), '{}')
      FROM ledger.balance WHERE account_id = ANY (p_accounts)
$$;

-- What came into (above zero) and went out of (below zero) the accounts and counts before
-- `p_before`: one row for each side of a transfer. For set-based readers of the rooms above.
CREATE OR REPLACE FUNCTION ledger.movements(p_accounts uuid[], p_before timestamptz)
RETURNS TABLE (transfer_id uuid, account_id uuid, amount bigint, kind text, counts_at timestamptz)
LANGUAGE sql STABLE ROWS 100000 AS $$
    SELECT t.id, t.credit_account_id, t.amount, t.kind, t.counts_at FROM ledger.transfer t
     WHERE t.credit_account_id = ANY (p_accounts) AND t.counts_at < p_before
    UNION ALL
    SELECT t.id, t.debit_account_id, -t.amount, t.kind, t.counts_at FROM ledger.transfer t
     WHERE t.debit_account_id = ANY (p_accounts) AND t.counts_at < p_before
$$;
