-- What programmes publish for the purchase: its state in one call, and the counters of the caps.

-- What beneficiaries can spend, and how much of their caps is used, one row each:
-- entitlements: [{"id", "account_id", "programme_version_id", "line", "balance_cents",
--   "paying_envelope_id", "priority", "valid_from", "valid_until"}…]
-- usage: [{"cap_key", "period", "used_cents"}…]
-- Entitlements that ended within 60 days are told too: "expired" is a better answer than "none".
-- p_days: the calendar days whose counters are wanted beside the season's.
CREATE OR REPLACE FUNCTION cardsvc.entitlement_states(
    p_beneficiaries uuid[], p_at timestamptz, p_days text[]
) RETURNS TABLE (beneficiary_id uuid, entitlements jsonb, usage jsonb)
LANGUAGE plpgsql STABLE ROWS 10 AS $$
DECLARE
    v_held cardsvc.entitlement[];
    v_balances jsonb;
BEGIN
    SELECT array_agg(e) INTO v_held
      FROM cardsvc.entitlement e
     WHERE e.beneficiary_id = ANY (p_beneficiaries) AND e.valid_until > p_at - interval '60 days';
    v_balances := ledger.balance_of(ARRAY(SELECT e.account_id FROM unnest(v_held) e), p_at);
    RETURN QUERY
        SELECT b.id, coalesce(held.entitlements, '[]'), coalesce(used.usage, '[]')
          FROM unnest(p_beneficiaries) AS b(id)
          LEFT JOIN (
               SELECT e.beneficiary_id, jsonb_agg(jsonb_build_object(
                          'id', e.id, 'account_id', e.account_id,
                          'programme_version_id', e.programme_version_id, 'line', e.line,
                          'balance_cents', (v_balances -> e.account_id::text),
                          'paying_envelope_id', e.paying_envelope_id, 'priority', e.priority,
                          'valid_from', e.valid_from, 'valid_until', e.valid_until)
                        ORDER BY e.priority, e.id) AS entitlements
                 FROM unnest(v_held) e GROUP BY e.beneficiary_id
          ) held ON held.beneficiary_id = b.id
          LEFT JOIN LATERAL (
               SELECT jsonb_agg(jsonb_build_object(
                          'cap_key', u.cap_key, 'period', u.period, 'used_cents', u.used_cents)
                        ORDER BY u.cap_key, u.period) AS usage
                 FROM cardsvc.cap_usage u
                WHERE u.beneficiary_id = b.id AND u.period = ANY ('season'::text || p_days)
          ) used ON true;
END $$;

-- The same for one, as {"entitlements": …, "usage": …}. p_day: the calendar day of p_at in the scheme's
-- zone. Without it, the counters of the days around.
CREATE OR REPLACE FUNCTION cardsvc.entitlement_state(
    p_beneficiary uuid, p_at timestamptz, p_day text DEFAULT NULL
) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('entitlements', s.entitlements, 'usage', s.usage)
      FROM cardsvc.entitlement_states(
               ARRAY[p_beneficiary], p_at,
               CASE WHEN p_day IS NOT NULL THEN ARRAY[p_day]
                    ELSE ARRAY[(p_at::date - 1)::text, p_at::date::text, (p_at::date + 1)::text] END) s
$$;

-- Who of the beneficiaries would pass a cap: what purchases take of theirs, row by row. The caller holds
-- the rows of all of them, so that nothing moves until it counts what is left with `count_uses`.
CREATE OR REPLACE FUNCTION cardsvc.caps_passed(
    p_beneficiaries uuid[], p_periods text[], p_cap_keys text[], p_amounts bigint[], p_limits bigint[]
) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT DISTINCT asked.beneficiary_id
          FROM unnest(p_beneficiaries, p_periods, p_cap_keys, p_amounts, p_limits)
            AS asked(beneficiary_id, period, cap_key, amount_cents, limit_cents)
         WHERE asked.amount_cents + coalesce(
                   (SELECT c.used_cents FROM cardsvc.cap_usage c
                     WHERE c.beneficiary_id = asked.beneficiary_id AND c.period = asked.period
                       AND c.cap_key = asked.cap_key), 0) > asked.limit_cents);
END $$;

-- Counts purchases against their caps, each counter once. Raises SE002 when one would pass its limit.
CREATE OR REPLACE FUNCTION cardsvc.count_uses(
    p_beneficiaries uuid[], p_periods text[], p_cap_keys text[], p_amounts bigint[], p_limits bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_counted bigint;
BEGIN
    WITH counted AS (
        INSERT INTO cardsvc.cap_usage AS c (beneficiary_id, period, cap_key, used_cents)
        SELECT * FROM unnest(p_beneficiaries, p_periods, p_cap_keys, p_amounts)
         ORDER BY 1, 2, 3
        ON CONFLICT (beneficiary_id, period, cap_key)
        DO UPDATE SET used_cents = c.used_cents + EXCLUDED.used_cents
        RETURNING c.beneficiary_id, c.period, c.cap_key, c.used_cents
    )
    SELECT count(*) INTO v_counted FROM counted
      JOIN unnest(p_beneficiaries, p_periods, p_cap_keys, p_limits)
        AS asked(beneficiary_id, period, cap_key, limit_cents) USING (beneficiary_id, period, cap_key)
     WHERE counted.used_cents <= asked.limit_cents;
    IF v_counted <> cardinality(p_cap_keys) THEN
        RAISE EXCEPTION 'a cap would be passed' USING ERRCODE = 'SE002';
    END IF;
END $$;

DROP FUNCTION IF EXISTS cardsvc.use_caps(uuid, jsonb);
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
