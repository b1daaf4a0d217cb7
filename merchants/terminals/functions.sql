-- PL/pgSQL on purpose: a session keeps its plans from one statement to the next, so that a purchase
-- does not pay for planning them.

-- What purchases need to know of terminals: each itself, its site, its merchant's convention, and the
-- ledger accounts of those who pay there. No row for one that nobody had enrolled by then.
-- Looked up by index only; part of the one statement that a batch of purchases begins with.
CREATE OR REPLACE FUNCTION merchants.terminal_states(p_terminals uuid[], p_at timestamptz)
RETURNS TABLE (terminal_id uuid, terminal jsonb) LANGUAGE plpgsql STABLE ROWS 10 AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, jsonb_build_object(
                   'terminal_id', t.id,
                   'state', state.to_state,
                   'site_id', s.id,
                   'site_name', s.name,
                   'merchant_id', s.merchant_id,
                   'payee_id', s.payee_id,
                   'convention', merchants.convention_state(s.merchant_id, p_at),
                   'payables', coalesce(
                       (SELECT jsonb_object_agg(p.paying_envelope_id, p.account_id)
                          FROM merchants.payable_account p WHERE p.payee_id = s.payee_id), '{}'))
          FROM merchants.terminal t
          JOIN merchants.site s ON s.id = t.site_id
          JOIN LATERAL (
               SELECT x.to_state FROM merchants.terminal_transition x
                WHERE x.terminal_id = t.id AND x.at <= p_at ORDER BY x.number DESC LIMIT 1
          ) state ON true
         WHERE t.id = ANY (p_terminals);
END $$;

-- The same for one; null when nobody enrolled such a terminal by then.
CREATE OR REPLACE FUNCTION merchants.terminal_state(p_terminal uuid, p_at timestamptz) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT terminal FROM merchants.terminal_states(ARRAY[p_terminal], p_at)
$$;

-- The merchant's last convention with the version in force at `p_at`; null when there is none.
CREATE OR REPLACE FUNCTION merchants.convention_state(p_merchant uuid, p_at timestamptz)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object('version_id', v.id, 'number', v.number, 'state', state.to_state,
                                  'parameters', v.parameters)
          FROM (SELECT c.id FROM merchants.convention c
                 WHERE c.merchant_id = p_merchant AND c.created_at <= p_at
                 ORDER BY c.created_at DESC, c.id DESC LIMIT 1) c
          JOIN LATERAL (
               SELECT x.to_state FROM merchants.convention_transition x
                WHERE x.convention_id = c.id AND x.at <= p_at ORDER BY x.number DESC LIMIT 1
          ) state ON true
          JOIN LATERAL (
               SELECT v.id, v.number, v.parameters FROM merchants.convention_version v
                WHERE v.convention_id = c.id AND v.valid_from <= p_at
                  AND (v.valid_until IS NULL OR v.valid_until > p_at)
                ORDER BY v.number DESC LIMIT 1
          ) v ON true);
END $$;
