// One request to the server, signed, with the till's clock set by the server's.

import { signedHeaders } from "./signing.js";

const PATIENCE_MILLISECONDS = 8000;

/** No answer came: the request may or may not have arrived. */
export class Unreachable extends Error {}

/** The server's sure no, as problem details (RFC 9457): nothing was done. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.code);
    this.status = status;
    this.code = problem.code ?? "http_error";
    this.title = problem.title ?? "";
    this.serverTime = problem.server_time ?? null;
  }
}

async function exchange(path, options) {
  let response;
  try {
    response = await fetch(path, {
      ...options, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
    });
    // A gateway's or a broken answer says nothing sure either.
    if (response.status >= 500 || response.status === 408 || response.status === 429) {
      throw new Unreachable(String(response.status));
    }
    const content = await response.json();
    if (response.ok) return content;
    throw new Refused(response.status, content);
  } catch (failure) {
    if (failure instanceof Refused) throw failure;
    throw new Unreachable(failure.message);
  }
}

/** Enrols: the one request that isn't signed. Here 429 is a sure no. */
export async function enrol(code, publicKey) {
  let response;
  try {
    response = await fetch("/api/v1/terminals/enrol", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code, public_key: publicKey, kind: "till" }),
      signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
    });
  } catch (failure) {
    throw new Unreachable(failure.message);
  }
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, content);
  return content;
}

/** The server, as one till speaks to it. */
export class Server {
  #till;
  #aheadMilliseconds = 0;

  constructor(till) {
    this.#till = till;
  }

  /** Sets the clock by a time that the server wrote (ISO 8601). */
  setClock(serverTime) {
    const time = Date.parse(serverTime);
    if (!Number.isNaN(time)) this.#aheadMilliseconds = time - Date.now();
  }

  /** @returns the JSON answer. Throws `Unreachable` or `Refused`. */
  async ask(method, path, { body = null, idempotencyKey = null } = {}) {
    try {
      return await this.#once(method, path, body, idempotencyKey);
    } catch (failure) {
      const late = failure instanceof Refused && failure.code === "request_signature_expired";
      if (!late || failure.serverTime === null) throw failure;
      this.setClock(failure.serverTime);
      return this.#once(method, path, body, idempotencyKey);
    }
  }

  async #once(method, path, body, idempotencyKey) {
    const seconds = Math.floor((Date.now() + this.#aheadMilliseconds) / 1000);
    const headers = await signedHeaders(
      this.#till, { method, path, body, idempotencyKey, seconds });
    if (body !== null) headers["Content-Type"] = "application/json";
    return exchange(path, { method, headers, body: body ?? undefined });
  }
}
