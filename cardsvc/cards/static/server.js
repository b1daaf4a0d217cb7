// The few questions that a phone asks the server. An answer is one of: what was asked for, a refusal
// (the server said no, and why), or a NetworkDown (nobody answered).

/** Nobody answered: no network, or a server that is restarting. */
export class NetworkDown extends Error {}

/** The server said no: a stable code, and a sentence for the young person. */
export class Refused extends Error {
  constructor(code, sentence) {
    super(code);
    this.code = code;
    this.sentence = sentence;
  }
}

/** Put the card on this phone: gives { phone_key_id, token, expires_at, now, card }. */
export function enrol(jwk, csrfToken) {
  return send("/api/v1/phone/keys", { public_key: jwk }, csrfToken);
}

/** Get a fresh token for this phone: gives { token, expires_at, now }. */
export function renew(phoneKeyId, csrfToken) {
  return send("/api/v1/phone/tokens", { phone_key_id: phoneKeyId }, csrfToken);
}

/** Give how far this phone's clock is behind the server's, in milliseconds (negative: ahead). */
export async function clockOffset() {
  return (await timed(() => ask("/api/v1/phone/clock", {}))).offset;
}

async function send(path, body, csrfToken) {
  const { answer, offset } = await timed(() =>
    ask(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken },
      body: JSON.stringify(body),
    }),
  );
  return { ...answer, offset };
}

async function timed(question) {
  const asked = Date.now();
  const answer = await question();
  return { answer, offset: Date.parse(answer.now) - (asked + Date.now()) / 2 };
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  } catch {
    throw new NetworkDown();
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok) {
    return body;
  }
  // A gateway's own error page says nothing of the card: what we have goes on working.
  if (response.status >= 500 && !body.code) {
    throw new NetworkDown();
  }
  throw new Refused(body.code ?? "unexpected", body.title ?? "");
}
