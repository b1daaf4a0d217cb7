// The bytes of the code, as docs/credential.md (sections 1 to 3) describes them. Nothing here knows
// the page, the network or the clock.

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const NONCE_BYTES = 8;

const SIGNATURE1_START = fromHex("846a5369676e61747572653143a101265820");
const PROOF_START = fromHex("d28443a10126a0");
const PAYLOAD_START = fromHex("4f821a");

/** Make the phone's key pair. The private half can sign, and can never be read, by this page either. */
export function makeKeyPair() {
  return crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
}

/** Give the public half as a JWK with its four required members. */
export async function publicJwk(keyPair) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", keyPair.publicKey);
  return { kty, crv, x, y };
}

/** Give the text that the QR shows. seconds: since 1970, UTC. nonce: 8 bytes, random by default. */
export async function qrText(
  privateKey,
  token,
  seconds,
  nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES)),
) {
  const proof = await makeProof(privateKey, token, seconds, nonce);
  const lengthOfToken = Uint8Array.of(token.length);
  const presentation = join(fromHex("830158"), lengthOfToken, token, fromHex("5859"), proof);
  return `SES1:${base45(presentation)}`;
}

/** Give the bytes of base64url text without padding. */
export function fromBase64Url(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

async function makeProof(privateKey, token, seconds, nonce) {
  const time = new Uint8Array(4);
  new DataView(time.buffer).setUint32(0, seconds);
  const payload = join(PAYLOAD_START, time, fromHex("48"), nonce);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", token));
  const toSign = join(SIGNATURE1_START, digest, payload);
  const signature = new Uint8Array(await crypto.subtle.sign(SIGNING, privateKey, toSign));
  return join(PROOF_START, payload, fromHex("5840"), signature);
}

function base45(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const isPair = at + 1 < bytes.length;
    let rest = isPair ? bytes[at] * 256 + bytes[at + 1] : bytes[at];
    for (let digit = 0; digit < (isPair ? 3 : 2); digit += 1) {
      text += ALPHABET[rest % 45];
      rest = Math.floor(rest / 45);
    }
  }
  return text;
}

function fromHex(text) {
  return Uint8Array.from(text.match(/../g), (pair) => Number.parseInt(pair, 16));
}

function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
