-- What public accounting asks of the ledger: whole mandates, what each funder bears, calls for funds.

-- The euro accounts through which the money of these envelopes goes: the envelopes, the entitlements and
-- backings they fund, the payables these paid into, the accounts in transit of those. Not the bank's two
-- sides (funding, paid), which other mandates may share.
CREATE OR REPLACE FUNCTION ledger.mandate_accounts(p_envelopes uuid[])
RETURNS TABLE (account_id uuid, kind text) LANGUAGE sql STABLE ROWS 100000 AS $$
    WITH purse AS MATERIALIZED (
        SELECT a.id, a.kind FROM ledger.account a
         WHERE a.asset = 'EUR' AND a.share_plan_id IN (
               SELECT s.share_plan_id FROM ledger.share s WHERE s.envelope_id = ANY (p_envelopes))
    ), owed AS MATERIALIZED (
        SELECT DISTINCT t.credit_account_id AS id FROM ledger.transfer t
          JOIN purse ON purse.id = t.debit_account_id WHERE t.kind = 'capture'
    ), moving AS (
        SELECT t.credit_account_id AS id FROM ledger.transfer t
          JOIN owed ON owed.id = t.debit_account_id WHERE t.kind = 'remit'
        UNION
        SELECT t.debit_account_id FROM ledger.transfer t
          JOIN owed ON owed.id = t.credit_account_id WHERE t.kind = 'remit'
    )
    SELECT id, kind FROM ledger.account WHERE id = ANY (p_envelopes) AND kind = 'envelope'
    UNION ALL SELECT id, kind FROM purse
    UNION ALL SELECT id, 'payable' FROM owed
    UNION ALL SELECT id, 'in_transit' FROM moving
$$;

-- The envelopes whose money meets that of these: in a share plan, on a payable, or in one payment. A set
-- of envelopes can be accounted for by itself when this gives no other.
CREATE OR REPLACE FUNCTION ledger.mandate_envelopes(p_envelopes uuid[])
RETURNS TABLE (envelope_id uuid) LANGUAGE sql STABLE ROWS 10 AS $$
    WITH mine AS MATERIALIZED (
        SELECT account_id, kind FROM ledger.mandate_accounts(p_envelopes)
    ), owed AS MATERIALIZED (
        SELECT account_id AS id FROM mine WHERE kind = 'payable'
        UNION
        SELECT t.debit_account_id FROM ledger.transfer t
          JOIN mine ON mine.account_id = t.credit_account_id AND mine.kind = 'in_transit'
         WHERE t.kind = 'remit'
        UNION
        SELECT t.credit_account_id FROM ledger.transfer t
          JOIN mine ON mine.account_id = t.debit_account_id AND mine.kind = 'in_transit'
         WHERE t.kind = 'remit'
    ), plan AS (
        SELECT a.share_plan_id AS id FROM ledger.account a
          JOIN (SELECT DISTINCT t.debit_account_id FROM ledger.transfer t
                  JOIN owed ON owed.id = t.credit_account_id WHERE t.kind = 'capture') paid
            ON paid.debit_account_id = a.id
        UNION
        SELECT s.share_plan_id FROM ledger.share s WHERE s.envelope_id = ANY (p_envelopes)
    )
    SELECT DISTINCT s.envelope_id FROM ledger.share s JOIN plan ON plan.id = s.share_plan_id
    UNION
    SELECT account_id FROM mine WHERE kind = 'envelope'
$$;

-- Every transfer of a mandate that counts from one moment and before another; a side without a kind is
-- the bank's (funding, paid).
CREATE OR REPLACE FUNCTION ledger.mandate_journal(
    p_envelopes uuid[], p_since timestamptz, p_before timestamptz
) RETURNS TABLE (
    id uuid, kind text, amount bigint, debit_account_id uuid, debit_kind text,
    credit_account_id uuid, credit_kind text, correlation_id uuid, counts_at timestamptz,
    happened_at timestamptz, recorded_at timestamptz
) LANGUAGE sql STABLE ROWS 100000 AS $$
    WITH mine AS MATERIALIZED (SELECT m.account_id, m.kind FROM ledger.mandate_accounts(p_envelopes) m)
    SELECT t.id, t.kind, t.amount, t.debit_account_id, d.kind, t.credit_account_id, c.kind,
           t.correlation_id, t.counts_at, t.happened_at, t.recorded_at
      FROM ledger.transfer t
      LEFT JOIN mine d ON d.account_id = t.debit_account_id
      LEFT JOIN mine c ON c.account_id = t.credit_account_id
     WHERE t.counts_at >= p_since AND t.counts_at < p_before
       AND (d.account_id IS NOT NULL OR c.account_id IS NOT NULL)
$$;

-- What each account of a mandate held at one moment, and what went out of it and came into it from then
-- until before another.
CREATE OR REPLACE FUNCTION ledger.mandate_balances(
    p_envelopes uuid[], p_since timestamptz, p_before timestamptz
) RETURNS TABLE (account_id uuid, kind text, opening bigint, debited bigint, credited bigint)
LANGUAGE sql STABLE ROWS 100000 AS $$
    WITH mine AS MATERIALIZED (
        SELECT m.account_id, m.kind FROM ledger.mandate_accounts(p_envelopes) m
    ), moved AS (
        SELECT leg.account_id, sum(leg.debited)::bigint AS debited, sum(leg.credited)::bigint AS credited
          FROM (SELECT t.debit_account_id AS account_id, t.amount AS debited, 0 AS credited
                  FROM ledger.transfer t WHERE t.counts_at >= p_since AND t.counts_at < p_before
                UNION ALL
                SELECT t.credit_account_id, 0, t.amount
                  FROM ledger.transfer t WHERE t.counts_at >= p_since AND t.counts_at < p_before) leg
         GROUP BY leg.account_id
    )
    SELECT mine.account_id, mine.kind, held.balance, coalesce(moved.debited, 0),
           coalesce(moved.credited, 0)
      FROM mine
      JOIN ledger.balances_as_of(ARRAY(SELECT m.account_id FROM mine m), p_since, 'infinity') held
        ON held.account_id = mine.account_id
      LEFT JOIN moved ON moved.account_id = mine.account_id
$$;

-- What `p_envelope` bears of the spending it shares with `p_paying`: its part of what was captured from
-- each entitlement and not given back, as far as it counts before a moment. Many entitlements have spent
-- the same amount; each amount is shared once.
CREATE OR REPLACE FUNCTION ledger.borne(p_envelope uuid, p_paying uuid, p_counted_before timestamptz)
RETURNS bigint LANGUAGE sql STABLE AS $$
    WITH purse AS MATERIALIZED (
        SELECT a.id, a.share_plan_id FROM ledger.account a
         WHERE a.asset = 'EUR'
           AND a.share_plan_id IN (SELECT share_plan_id FROM ledger.share WHERE envelope_id = p_envelope)
           AND a.share_plan_id IN (SELECT share_plan_id FROM ledger.share WHERE envelope_id = p_paying)
    ), captured AS MATERIALIZED (
        SELECT t.id, t.amount, purse.id AS purse_id, purse.share_plan_id
          FROM ledger.transfer t JOIN purse ON purse.id = t.debit_account_id
         WHERE t.kind = 'capture' AND t.counts_at < p_counted_before
    ), spent AS (
        SELECT leg.share_plan_id, sum(leg.amount)::bigint AS amount
          FROM (SELECT purse_id, share_plan_id, amount FROM captured
                UNION ALL
                SELECT c.purse_id, c.share_plan_id, -t.amount
                  FROM ledger.transfer t JOIN captured c ON c.id = t.corrects_id
                 WHERE t.kind IN ('refund', 'cancellation') AND t.counts_at < p_counted_before) leg
         GROUP BY leg.purse_id, leg.share_plan_id
    )
    SELECT coalesce(sum(part.amount * times.entitlements), 0)::bigint
      FROM (SELECT share_plan_id, amount, count(*) AS entitlements FROM spent
             GROUP BY share_plan_id, amount) times
     CROSS JOIN LATERAL ledger.parts(times.share_plan_id, times.amount) part
     WHERE part.envelope_id = p_envelope
$$;

-- Calls for what `p_envelope` bears and was not asked for yet, and keeps the call. Gives what it bears
-- and what is called; called 0 when there is nothing to ask, and then nothing is kept. Two calls at once
-- follow each other.
CREATE OR REPLACE FUNCTION ledger.call_for_funds(
    p_id uuid, p_envelope uuid, p_paying uuid, p_counted_before timestamptz, p_at timestamptz
) RETURNS TABLE (borne_cents bigint, called_cents bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_borne bigint;
    v_called bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_envelope::text || p_paying::text, 7305790));
    v_borne := ledger.borne(p_envelope, p_paying, p_counted_before);
    v_called := v_borne - coalesce(
        (SELECT sum(f.called_cents) FROM ledger.call_for_funds f
          WHERE f.envelope_id = p_envelope AND f.paying_envelope_id = p_paying), 0);
    IF v_called > 0 THEN
        INSERT INTO ledger.call_for_funds
        VALUES (p_id, p_envelope, p_paying, p_counted_before, v_borne, v_called, p_at);
    END IF;
    RETURN QUERY SELECT v_borne, greatest(v_called, 0);
END $$;

-- Rights stand here and not with the others': this file comes after theirs.
REVOKE EXECUTE ON FUNCTION ledger.mandate_accounts, ledger.mandate_envelopes, ledger.mandate_journal,
    ledger.mandate_balances, ledger.borne, ledger.call_for_funds FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.mandate_accounts, ledger.mandate_envelopes, ledger.mandate_journal,
    ledger.mandate_balances, ledger.borne TO sesame_app, sesame_reader;
GRANT EXECUTE ON FUNCTION ledger.call_for_funds TO sesame_app;
