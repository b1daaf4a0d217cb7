-- What the cards' room publishes.

-- All that purchases need to know of who shows the tokens, in index look-ups only: the card, the phone,
-- the rights and what was used of them. No row for a token that we never gave.
-- p_days: the scheme's calendar days, ISO, for the caps that count by day.
CREATE OR REPLACE FUNCTION cardsvc.spending_states(
    p_token_ids bytea[], p_at timestamptz, p_days text[]
) RETURNS TABLE (token_id bytea, card jsonb) LANGUAGE plpgsql STABLE ROWS 10 AS $$
DECLARE
    v_shown record;
BEGIN
    SELECT array_agg(t.token_id) AS tokens, array_agg(c.beneficiary_id) AS holders,
           array_agg(jsonb_build_object(
               'card_id', c.id, 'card_state', c.state, 'token_expires_at', t.expires_at,
               'phone_key_state', k.state, 'beneficiary_id', c.beneficiary_id)) AS cards
      INTO v_shown
      FROM cardsvc.token t
      JOIN cardsvc.phone_key k ON k.id = t.phone_key_id
      JOIN cardsvc.card c ON c.id = t.card_id
     WHERE t.token_id = ANY (p_token_ids);
    RETURN QUERY
        SELECT shown.token, shown.card
            || jsonb_build_object('entitlements', s.entitlements, 'usage', s.usage)
          FROM unnest(v_shown.tokens, v_shown.holders, v_shown.cards) AS shown(token, holder, card)
          JOIN cardsvc.entitlement_states(ARRAY(SELECT DISTINCT unnest(v_shown.holders)), p_at, p_days)
            s ON s.beneficiary_id = shown.holder;
END $$;

-- The same for one token; null when we never gave it.
CREATE OR REPLACE FUNCTION cardsvc.spending_state(p_token_id bytea, p_at timestamptz, p_day text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT card FROM cardsvc.spending_states(ARRAY[p_token_id], p_at, ARRAY[p_day])
$$;

DROP FUNCTION IF EXISTS cardsvc.may_pay(bytea);
-- Those of the tokens whose card and phone are both still active: asked again under the holders' locks.
CREATE OR REPLACE FUNCTION cardsvc.may_pay(p_token_ids bytea[]) RETURNS bytea[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        -- Looked up one by one, whatever the planner thinks of how many are active.
        SELECT t.token_id FROM cardsvc.token t
         WHERE t.token_id = ANY (p_token_ids)
           AND (SELECT k.state FROM cardsvc.phone_key k WHERE k.id = t.phone_key_id) = 'active'
           AND (SELECT c.state FROM cardsvc.card c WHERE c.id = t.card_id) = 'active');
END $$;
