-- An envelope's life, month by month, and the thresholds that warn of its end.

-- What an envelope's money did in a period: what came in, went to entitlements, came back, and this
-- envelope's part of what was spent. Parts are differences of `parts` on what each entitlement had spent
-- by then, so months sum to the whole to the cent. Reads the sales of the period through the payables
-- that they went to, and none before it but those of entitlements that several funders share.
CREATE OR REPLACE FUNCTION ledger.envelope_period(
    p_envelope uuid, p_since timestamptz, p_before timestamptz
) RETURNS TABLE (funded bigint, granted bigint, expired bigint, given_back bigint, spent bigint)
LANGUAGE sql STABLE ROWS 1 AS $$
    WITH plan AS MATERIALIZED (
        SELECT s.share_plan_id AS id, count(*) > 1 AS shared FROM ledger.share s
         WHERE s.share_plan_id IN
               (SELECT share_plan_id FROM ledger.share WHERE envelope_id = p_envelope)
         GROUP BY s.share_plan_id
    ), own AS MATERIALIZED (
        SELECT kind, amount FROM ledger.transfer
         WHERE credit_account_id = p_envelope AND counts_at >= p_since AND counts_at < p_before
        UNION ALL
        SELECT kind, -amount FROM ledger.transfer
         WHERE debit_account_id = p_envelope AND counts_at >= p_since AND counts_at < p_before
    ), payable AS MATERIALIZED (
        SELECT id FROM ledger.account WHERE kind = 'payable'
    ), leg AS MATERIALIZED (
        SELECT t.debit_account_id AS purse_id, t.amount
          FROM payable CROSS JOIN LATERAL (
               SELECT debit_account_id, amount FROM ledger.transfer
                WHERE credit_account_id = payable.id AND kind = 'capture'
                  AND counts_at >= p_since AND counts_at < p_before) t
        UNION ALL
        SELECT m.debit_account_id, -t.amount
          FROM payable CROSS JOIN LATERAL (
               SELECT corrects_id, amount FROM ledger.transfer
                WHERE debit_account_id = payable.id AND kind IN ('refund', 'cancellation')
                  AND counts_at >= p_since AND counts_at < p_before) t
          JOIN ledger.transfer m ON m.id = t.corrects_id
    ), purse AS MATERIALIZED (
        SELECT leg.purse_id AS id, a.share_plan_id, plan.shared, sum(leg.amount)::bigint AS moved
          FROM leg JOIN ledger.account a ON a.id = leg.purse_id
          JOIN plan ON plan.id = a.share_plan_id
         GROUP BY 1, 2, 3
    ), shared AS MATERIALIZED (
        SELECT purse.share_plan_id, purse.moved, ledger.spent_before(purse.id, p_since) AS before
          FROM purse WHERE purse.shared AND purse.moved <> 0
    )
    SELECT coalesce(sum(amount) FILTER (WHERE kind IN ('fund', 'correction')), 0)::bigint,
           coalesce(-sum(amount) FILTER (WHERE kind IN ('grant', 'regrant', 'withdrawal')), 0)::bigint,
           coalesce(sum(amount) FILTER (WHERE kind = 'expiry'), 0)::bigint,
           coalesce(sum(amount) FILTER (WHERE kind IN ('release', 'refund', 'cancellation')), 0)::bigint,
           coalesce((SELECT sum(moved) FROM purse WHERE NOT shared), 0)::bigint
         + coalesce((SELECT sum(p.amount * n.times)
                       FROM (SELECT share_plan_id, before, moved, count(*) AS times
                               FROM shared GROUP BY 1, 2, 3) n
                      CROSS JOIN LATERAL ledger.parts_between(
                            n.share_plan_id, n.before, n.before + n.moved) p
                      WHERE p.envelope_id = p_envelope), 0)::bigint
      FROM own
$$;

-- What had been spent from an entitlement or a backing and not given back, of what counts before a
-- moment. A refund to the funders leaves the account alone: it is found among what they received.
CREATE OR REPLACE FUNCTION ledger.spent_before(p_account uuid, p_before timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT sum(t.amount) FROM ledger.transfer t
                      WHERE t.debit_account_id = p_account AND t.kind = 'capture'
                        AND t.counts_at < p_before), 0)::bigint
         - coalesce((SELECT sum(t.amount) FROM ledger.transfer t
                       JOIN ledger.account d ON d.id = t.debit_account_id AND d.kind = 'payable'
                      WHERE t.credit_account_id = p_account AND t.counts_at < p_before
                        AND t.kind IN ('refund', 'cancellation')), 0)::bigint
         - coalesce((SELECT sum(t.amount) FROM ledger.transfer c
                       JOIN ledger.corrected k ON k.transfer_id = c.id
                       JOIN ledger.transfer t
                         ON t.debit_account_id = c.credit_account_id AND t.corrects_id = c.id
                       JOIN ledger.account e ON e.id = t.credit_account_id AND e.kind = 'envelope'
                      WHERE c.debit_account_id = p_account AND c.kind = 'capture'
                        AND t.kind IN ('refund', 'cancellation')
                        AND t.counts_at < p_before), 0)::bigint
$$;

-- Keeps the figures of a closed month of an envelope, worked out here. Does nothing where they are kept;
-- SL005 where the month isn't closed.
CREATE OR REPLACE FUNCTION ledger.keep_envelope_month(
    p_envelope uuid, p_since timestamptz, p_before timestamptz, p_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger.closing WHERE closed_before >= p_before) THEN
        RAISE EXCEPTION 'the books are still open there' USING ERRCODE = 'SL005';
    END IF;
    INSERT INTO ledger.envelope_month (
        envelope_id, counts_from, counts_before, funded_cents, granted_cents, expired_cents,
        given_back_cents, spent_cents, recorded_at)
    SELECT p_envelope, p_since, p_before, f.funded, f.granted, f.expired, f.given_back, f.spent, p_at
      FROM ledger.envelope_period(p_envelope, p_since, p_before) f
    ON CONFLICT DO NOTHING;
END $$;

-- What of these payables was ordered and what the bank has paid of it, in cents. A payment is one
-- correlation: it is paid when its settlement is there.
CREATE OR REPLACE FUNCTION ledger.payments_of(p_payables uuid[])
RETURNS TABLE (in_transit bigint, paid bigint) LANGUAGE sql STABLE ROWS 1 AS $$
    WITH ordered AS MATERIALIZED (
        SELECT correlation_id, transit, sum(amount)::bigint AS amount FROM (
            SELECT correlation_id, credit_account_id AS transit, amount FROM ledger.transfer
             WHERE debit_account_id = ANY (p_payables) AND kind = 'remit'
            UNION ALL
            SELECT correlation_id, debit_account_id, -amount FROM ledger.transfer
             WHERE credit_account_id = ANY (p_payables) AND kind = 'remit') legs
         GROUP BY 1, 2
    ), settled AS MATERIALIZED (
        SELECT DISTINCT t.correlation_id FROM ledger.transfer t
         WHERE t.debit_account_id IN (SELECT DISTINCT transit FROM ordered) AND t.kind = 'settle'
    ), returned AS (
        SELECT d.kind AS of, sum(t.amount)::bigint AS amount
          FROM ledger.transfer t JOIN ledger.account d ON d.id = t.debit_account_id
         WHERE t.credit_account_id = ANY (p_payables) AND t.kind = 'return' GROUP BY 1
    )
    SELECT coalesce((SELECT sum(amount) FROM ordered
                      WHERE correlation_id NOT IN (SELECT correlation_id FROM settled)), 0)::bigint
         - coalesce((SELECT amount FROM returned WHERE of = 'in_transit'), 0),
           coalesce((SELECT sum(amount) FROM ordered
                      WHERE correlation_id IN (SELECT correlation_id FROM settled)), 0)::bigint
         - coalesce((SELECT amount FROM returned WHERE of = 'paid'), 0)
$$;

-- Sets below what an envelope is to be warned of; NULL: no longer. SL002 for anything but an envelope.
CREATE OR REPLACE FUNCTION ledger.set_threshold(
    p_account uuid, p_below bigint, p_by uuid, p_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM 1 FROM ledger.balance b JOIN ledger.account a ON a.id = b.account_id
     WHERE a.id = p_account AND a.kind = 'envelope' FOR UPDATE OF b;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown account' USING ERRCODE = 'SL002';
    END IF;
    INSERT INTO ledger.threshold (account_id, set_at, below_cents, set_by)
    SELECT p_account,
           greatest(p_at, (SELECT max(set_at) + interval '1 microsecond' FROM ledger.threshold
                            WHERE account_id = p_account)),
           p_below, p_by;
END $$;

-- Notices each threshold that was crossed since the last time: down, or up again. Gives how many rows it
-- wrote. Two at once follow each other.
CREATE OR REPLACE FUNCTION ledger.notice_thresholds(p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_noticed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7305791);
    INSERT INTO ledger.threshold_warning (id, account_id, below_cents, balance_cents, noticed_at)
    SELECT platform.uuid7(p_at), t.account_id, t.below_cents, b.balance, p_at
      FROM (SELECT DISTINCT ON (account_id) account_id, below_cents FROM ledger.threshold
             ORDER BY account_id, set_at DESC) t
      JOIN ledger.balance b ON b.account_id = t.account_id
      LEFT JOIN LATERAL (
           SELECT w.balance_cents < w.below_cents AS below FROM ledger.threshold_warning w
            WHERE w.account_id = t.account_id ORDER BY w.noticed_at DESC, w.id DESC LIMIT 1) last ON true
     WHERE t.below_cents IS NOT NULL
       AND (b.balance < t.below_cents) <> coalesce(last.below, false);
    GET DIAGNOSTICS v_noticed = ROW_COUNT;
    RETURN v_noticed;
END $$;

-- Rights stand here and not with the others': this file comes after theirs.
REVOKE EXECUTE ON FUNCTION ledger.envelope_period, ledger.spent_before, ledger.keep_envelope_month,
    ledger.payments_of, ledger.set_threshold, ledger.notice_thresholds FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.envelope_period, ledger.spent_before, ledger.payments_of
    TO sesame_app, sesame_reader;
GRANT EXECUTE ON FUNCTION ledger.keep_envelope_month, ledger.set_threshold, ledger.notice_thresholds
    TO sesame_app;
