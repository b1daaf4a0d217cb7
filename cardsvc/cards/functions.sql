-- What the cards' room publishes.

-- All that a purchase needs to know of who shows the token `p_token_id`, in index look-ups only: the
-- card, the phone, the rights and what was used of them. Null for a token that we never gave.
-- p_day: the scheme's calendar day of `p_at`, ISO, for the caps that count by day.
CREATE OR REPLACE FUNCTION cardsvc.spending_state(p_token_id bytea, p_at timestamptz, p_day text)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    shown record;
BEGIN
    SELECT c.id AS card_id, c.state AS card_state, c.beneficiary_id,
           t.expires_at, k.state AS phone_key_state
      INTO shown
      FROM cardsvc.token t
      JOIN cardsvc.phone_key k ON k.id = t.phone_key_id
      JOIN cardsvc.card c ON c.id = t.card_id
     WHERE t.token_id = p_token_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object('entitlements', '[]'::jsonb, 'usage', '[]'::jsonb)
        || coalesce(cardsvc.entitlement_state(shown.beneficiary_id, p_at, p_day), '{}'::jsonb)
        || jsonb_build_object(
            'card_id', shown.card_id,
            'card_state', shown.card_state,
            'token_expires_at', shown.expires_at,
            'phone_key_state', shown.phone_key_state,
            'beneficiary_id', shown.beneficiary_id);
END $$;

-- Whether the token's card and phone are both still active: asked again under the holder's lock.
CREATE OR REPLACE FUNCTION cardsvc.may_pay(p_token_id bytea) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM cardsvc.token t
          JOIN cardsvc.phone_key k ON k.id = t.phone_key_id
          JOIN cardsvc.card c ON c.id = t.card_id
         WHERE t.token_id = p_token_id AND k.state = 'active' AND c.state = 'active')
$$;
