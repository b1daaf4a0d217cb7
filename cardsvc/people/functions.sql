-- What the people's room publishes.

-- Every fact that holds on the day `p_on`, the birth date included: for set-based eligibility.
CREATE OR REPLACE FUNCTION cardsvc.facts_on(p_on date)
RETURNS TABLE (beneficiary_id uuid, name text, value text) LANGUAGE sql STABLE AS $$
    SELECT f.beneficiary_id, f.name, f.value FROM cardsvc.fact f
     WHERE f.valid_from <= p_on AND (f.valid_until IS NULL OR f.valid_until > p_on)
    UNION ALL
    SELECT b.id, 'birth_date', b.birth_date::text FROM cardsvc.beneficiary b
$$;

-- Takes the beneficiary's row: the first lock of whatever spends for them or stops their card. It
-- leaves the key alone: a grant to them, which holds the key by its foreign key, makes nobody wait.
CREATE OR REPLACE FUNCTION cardsvc.lock_beneficiary(p_beneficiary uuid) RETURNS void
LANGUAGE sql VOLATILE AS $$
    SELECT 1 FROM cardsvc.beneficiary WHERE id = p_beneficiary FOR NO KEY UPDATE
$$;

-- The same for many at once, without waiting: gives those whose rows nobody else had taken.
CREATE OR REPLACE FUNCTION cardsvc.lock_free_beneficiaries(p_beneficiaries uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN ARRAY(SELECT id FROM cardsvc.beneficiary WHERE id = ANY (p_beneficiaries)
                  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED);
END $$;
