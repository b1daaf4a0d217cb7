-- What programmes publish for the purchase: its state in one call, and the counters of the caps.

-- What a beneficiary can spend, and how much of their caps is used:
-- {"entitlements": [{"id", "account_id", "programme_version_id", "line", "balance_cents",
--   "paying_envelope_id", "priority", "valid_from", "valid_until"}…],
--  "usage": [{"cap_key", "period", "used_cents"}…]}
-- Entitlements that ended within 60 days are told too: "expired" is a better answer than "none".
-- p_day: the calendar day of p_at in the scheme's zone. Without it, the counters of the days around.
CREATE OR REPLACE FUNCTION cardsvc.entitlement_state(
    p_beneficiary uuid, p_at timestamptz, p_day text DEFAULT NULL
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_accounts uuid[];
    v_balances jsonb;
    v_entitlements jsonb;
    v_usage jsonb;
BEGIN
    SELECT array_agg(e.account_id) INTO v_accounts
      FROM cardsvc.entitlement e
     WHERE e.beneficiary_id = p_beneficiary AND e.valid_until > p_at - interval '60 days';
    IF v_accounts IS NULL THEN
        RETURN '{"entitlements": [], "usage": []}';
    END IF;
    v_balances := ledger.balance_of(v_accounts);
    SELECT jsonb_agg(jsonb_build_object(
               'id', e.id, 'account_id', e.account_id,
               'programme_version_id', e.programme_version_id, 'line', e.line,
               'balance_cents', (v_balances ->> e.account_id::text)::bigint,
               'paying_envelope_id', e.paying_envelope_id, 'priority', e.priority,
               'valid_from', e.valid_from, 'valid_until', e.valid_until)
             ORDER BY e.priority, e.id)
      INTO v_entitlements
      FROM cardsvc.entitlement e
     WHERE e.beneficiary_id = p_beneficiary AND e.valid_until > p_at - interval '60 days';
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'cap_key', u.cap_key, 'period', u.period, 'used_cents', u.used_cents)
             ORDER BY u.cap_key, u.period), '[]')
      INTO v_usage
      FROM cardsvc.cap_usage u
     WHERE u.beneficiary_id = p_beneficiary
       AND u.period = ANY (CASE WHEN p_day IS NOT NULL THEN ARRAY['season', p_day]
                           ELSE ARRAY['season', (p_at::date - 1)::text, p_at::date::text,
                                      (p_at::date + 1)::text] END);
    RETURN jsonb_build_object('entitlements', v_entitlements, 'usage', v_usage);
END $$;

-- Counts a purchase against its caps. p_uses: [{"cap_key", "period", "amount_cents", "limit_cents"}…].
-- Raises SE002 when a counter would pass its limit. The caller holds the beneficiary's row.
CREATE OR REPLACE FUNCTION cardsvc.use_caps(p_beneficiary uuid, p_uses jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_passed bigint;
BEGIN
    IF p_uses IS NULL OR jsonb_array_length(p_uses) = 0 THEN
        RETURN;
    END IF;
    WITH asked AS (
        SELECT u.cap_key, u.period, sum(u.amount_cents)::bigint AS amount_cents,
               min(u.limit_cents) AS limit_cents
          FROM jsonb_to_recordset(p_uses)
            AS u(cap_key text, period text, amount_cents bigint, limit_cents bigint)
         GROUP BY u.cap_key, u.period
    ), counted AS (
        INSERT INTO cardsvc.cap_usage AS c (beneficiary_id, period, cap_key, used_cents)
        SELECT p_beneficiary, period, cap_key, amount_cents FROM asked ORDER BY period, cap_key
        ON CONFLICT (beneficiary_id, period, cap_key)
        DO UPDATE SET used_cents = c.used_cents + EXCLUDED.used_cents
        RETURNING c.cap_key, c.period, c.used_cents
    )
    SELECT count(*) INTO v_passed FROM counted JOIN asked USING (cap_key, period)
     WHERE counted.used_cents > asked.limit_cents;
    IF v_passed > 0 THEN
        RAISE EXCEPTION 'a cap would be passed' USING ERRCODE = 'SE002';
    END IF;
END $$;

-- Gives back what a purchase had counted (refund, cancellation), in its own periods.
-- Raises SE003 when more is given back than was used.
CREATE OR REPLACE FUNCTION cardsvc.give_back_caps(p_beneficiary uuid, p_uses jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_asked bigint;
    v_given bigint;
BEGIN
    IF p_uses IS NULL OR jsonb_array_length(p_uses) = 0 THEN
        RETURN;
    END IF;
    WITH asked AS (
        SELECT u.cap_key, u.period, sum(u.amount_cents)::bigint AS amount_cents
          FROM jsonb_to_recordset(p_uses) AS u(cap_key text, period text, amount_cents bigint)
         GROUP BY u.cap_key, u.period
    ), given AS (
        UPDATE cardsvc.cap_usage c SET used_cents = c.used_cents - asked.amount_cents
          FROM asked
         WHERE c.beneficiary_id = p_beneficiary AND c.period = asked.period
           AND c.cap_key = asked.cap_key AND c.used_cents >= asked.amount_cents
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM asked), (SELECT count(*) FROM given) INTO v_asked, v_given;
    IF v_given <> v_asked THEN
        RAISE EXCEPTION 'more given back than was used' USING ERRCODE = 'SE003';
    END IF;
END $$;
