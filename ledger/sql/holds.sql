-- Holds: an amount set apart for one payable until it is captured, voided, or lapses.

-- Sets a linked set of amounts apart, all or none.
CREATE OR REPLACE FUNCTION ledger.reserve(
    p_ids uuid[], p_accounts uuid[], p_credits uuid[], p_amounts bigint[],
    p_lapse_at timestamptz[], p_correlations uuid[], p_several boolean[], p_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_against text;
    i integer;
BEGIN
    SELECT min(CASE WHEN d.id IS NULL OR c.id IS NULL THEN 'SL002'
                    WHEN d.asset <> c.asset THEN 'SL003'
                    WHEN d.kind <> 'entitlement' OR c.kind <> 'payable' THEN 'SL004'
                    WHEN t.lapses_at <= p_at THEN 'SL008' END)
      INTO v_against
      FROM unnest(p_accounts, p_credits, p_lapse_at) AS t(account, credit, lapses_at)
      LEFT JOIN ledger.account d ON d.id = t.account
      LEFT JOIN ledger.account c ON c.id = t.credit;
    IF v_against IS NOT NULL THEN
        PERFORM ledger.refuse(v_against);
    END IF;
    PERFORM 1 FROM ledger.balance WHERE account_id = ANY (p_accounts) ORDER BY account_id FOR UPDATE;
    FOR i IN 1 .. cardinality(p_ids) LOOP
        UPDATE ledger.balance SET held = held + p_amounts[i]
         WHERE account_id = p_accounts[i] AND balance - held - p_amounts[i] >= floor;
        IF NOT FOUND THEN
            PERFORM ledger.free_lapsed(ARRAY[p_accounts[i]], p_at);
            UPDATE ledger.balance SET held = held + p_amounts[i]
             WHERE account_id = p_accounts[i] AND balance - held - p_amounts[i] >= floor;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'insufficient balance' USING ERRCODE = 'SL001';
            END IF;
        END IF;
    END LOOP;
    INSERT INTO ledger.hold (id, account_id, credit_account_id, amount, captured, several, lapses_at,
                             correlation_id, state, recorded_at)
    SELECT id, account, credit, amount, 0, several, lapses_at, correlation, 'open', p_at
      FROM unnest(p_ids, p_accounts, p_credits, p_amounts, p_several, p_lapse_at, p_correlations)
        AS t(id, account, credit, amount, several, lapses_at, correlation);
END $$;

-- The hold, its balance and itself locked in that order, if it is still open at `p_at`. A hold that
-- lapsed says so (SL008), whether or not anything has tidied it away.
CREATE OR REPLACE FUNCTION ledger.lock_hold(p_hold uuid, p_at timestamptz) RETURNS ledger.hold
LANGUAGE plpgsql AS $$
DECLARE
    v_hold ledger.hold;
BEGIN
    SELECT * INTO v_hold FROM ledger.hold WHERE id = p_hold;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown hold' USING ERRCODE = 'SL006';
    END IF;
    PERFORM 1 FROM ledger.balance WHERE account_id = v_hold.account_id FOR UPDATE;
    SELECT * INTO v_hold FROM ledger.hold WHERE id = p_hold FOR UPDATE;
    IF v_hold.state = 'lapsed' OR (v_hold.state = 'open' AND v_hold.lapses_at <= p_at) THEN
        RAISE EXCEPTION 'the hold lapsed' USING ERRCODE = 'SL008';
    END IF;
    IF v_hold.state <> 'open' THEN
        RAISE EXCEPTION 'the hold has ended' USING ERRCODE = 'SL009';
    END IF;
    RETURN v_hold;
END $$;

-- Captures a hold, in full or in part. What is left of it stays held where several captures are
-- allowed, and is spendable again where not. `p_recorded_at` decides whether it has lapsed.
CREATE OR REPLACE FUNCTION ledger.capture_hold(
    p_hold uuid, p_amount bigint, p_transfer uuid, p_counts_at timestamptz,
    p_recorded_at timestamptz, p_happened_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_hold ledger.hold;
    v_ends boolean;
BEGIN
    PERFORM ledger.open_books();
    v_hold := ledger.lock_hold(p_hold, p_recorded_at);
    IF p_amount > v_hold.amount - v_hold.captured THEN
        RAISE EXCEPTION 'more than is held' USING ERRCODE = 'SL007';
    END IF;
    v_ends := NOT v_hold.several OR v_hold.captured + p_amount = v_hold.amount;
    UPDATE ledger.hold
       SET captured = captured + p_amount,
           state = CASE WHEN v_ends THEN 'captured' ELSE 'open' END,
           ended_at = CASE WHEN v_ends THEN p_recorded_at END
     WHERE id = p_hold;
    UPDATE ledger.balance
       SET held = held - CASE WHEN v_ends THEN v_hold.amount - v_hold.captured ELSE p_amount END
     WHERE account_id = v_hold.account_id;
    PERFORM ledger.append_few(
        ARRAY[p_transfer], ARRAY[v_hold.account_id], ARRAY[v_hold.credit_account_id],
        ARRAY[p_amount], ARRAY['capture'], ARRAY[v_hold.correlation_id], NULL,
        ARRAY[p_counts_at], p_recorded_at, ARRAY[p_happened_at], p_hold);
END $$;

-- Ends a hold: what is left of it is spendable again.
CREATE OR REPLACE FUNCTION ledger.void_hold(p_hold uuid, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_hold ledger.hold := ledger.lock_hold(p_hold, p_at);
BEGIN
    UPDATE ledger.hold SET state = 'voided', ended_at = p_at WHERE id = p_hold;
    UPDATE ledger.balance SET held = held - (v_hold.amount - v_hold.captured)
     WHERE account_id = v_hold.account_id;
END $$;

-- Tidies up to `p_limit` holds that have lapsed. Nothing depends on it: posting frees what it needs.
CREATE OR REPLACE FUNCTION ledger.lapse_holds(p_at timestamptz, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_accounts uuid[];
BEGIN
    SELECT array_agg(DISTINCT account_id) INTO v_accounts
      FROM (SELECT account_id FROM ledger.hold
             WHERE state = 'open' AND lapses_at <= p_at LIMIT p_limit) lapsed;
    IF v_accounts IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM 1 FROM ledger.balance WHERE account_id = ANY (v_accounts) ORDER BY account_id FOR UPDATE;
    RETURN ledger.free_lapsed(v_accounts, p_at);
END $$;
