// How this till signs its requests: RFC 9421, the one profile of docs/credential.md, section 7.

const encode = (text) => new TextEncoder().encode(text);

function base64(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

/** Makes the till's key pair; the private half can sign and nothing else. */
export function makeKeyPair() {
  return crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
}

/** @returns the public half as a JWK of its four members */
export async function publicJwk(pair) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return { kty, crv, x, y };
}

/**
 * @param body the exact text to send, or null
 * @param idempotencyKey or null
 * @param seconds the time to sign at, since 1970
 * @returns the headers to add
 */
export async function signedHeaders(till, { method, path, body, idempotencyKey, seconds }) {
  const headers = {};
  const covered = [["@method", method], ["@path", path]];
  if (body !== null) {
    const digest = await crypto.subtle.digest("SHA-256", encode(body));
    headers["Content-Digest"] = `sha-256=:${base64(digest)}:`;
    covered.push(["content-digest", headers["Content-Digest"]]);
  }
  if (idempotencyKey !== null) {
    headers["Idempotency-Key"] = idempotencyKey;
    covered.push(["idempotency-key", idempotencyKey]);
  }
  const names = covered.map(([name]) => `"${name}"`).join(" ");
  const parameters = `(${names});created=${seconds};keyid="${till.id}";alg="ecdsa-p256-sha256"`;
  const lines = covered.map(([name, value]) => `"${name}": ${value}`);
  lines.push(`"@signature-params": ${parameters}`);
  const signature = await crypto.subtle.sign(
    { name: "ECDSA", hash: "SHA-256" }, till.pair.privateKey, encode(lines.join("\n")));
  headers["Signature-Input"] = `sesame=${parameters}`;
  headers["Signature"] = `sesame=:${base64(signature)}:`;
  return headers;
}
