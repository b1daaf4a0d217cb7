// This phone's side of the card: its key, its token, when to renew it. Knows no screen.

import { fromBase64Url, makeKeyPair, publicJwk, qrText } from "./credential.js";
import { NetworkDown, Refused, clockOffset, enrol, renew } from "./server.js";
import { openVault } from "./vault.js";

const DAY = 24 * 3600 * 1000;
const RENEW_BEFORE = 3 * DAY;
const RETRY_AFTER = 60 * 1000;
// Below it, the difference is the network's delay and not the clock's fault.
const CLOCK_TOLERANCE = 3000;
// The server knows this phone no more, and says nothing against it: it may be added anew.
const FORGOTTEN = new Set(["phone_unknown", "phone_key_taken"]);
// A key that was kept, never confirmed, and can serve no more.
const SPENT = new Set(["phone_key_taken", "phone_key_revoked"]);
// These end the card on this phone; any other refusal leaves it what it has.
const FINAL = new Set(["card_blocked", "card_lost", "card_expired", "phone_key_revoked"]);
const ONE_TAB_AT_A_TIME = "sesame-card";

/** Say whether this browser can hold a card at all (an old one, or a page that isn't secure, can't). */
export function canHoldACard() {
  return Boolean(globalThis.crypto?.subtle && globalThis.indexedDB && navigator.locks);
}

export class Phone {
  /** Open what this phone keeps for `holder` (an opaque id). Rejects where it can keep nothing. */
  static async open(holder, csrfToken) {
    const vault = await openVault();
    return new Phone(vault, holder, csrfToken, await vault.read(holder));
  }

  constructor(vault, holder, csrfToken, record) {
    this.vault = vault;
    this.holder = holder;
    this.csrfToken = csrfToken;
    this.record = record;
    this.retryAt = 0;
    this.clockIsSet = false;
  }

  get isEnrolled() {
    return this.record?.phoneKeyId !== undefined;
  }

  get cardLastFour() {
    return this.record?.cardLastFour;
  }

  /** The server's time as well as this phone knows it, in milliseconds. */
  now() {
    return Date.now() + (this.record?.clockOffset ?? 0);
  }

  get hasToken() {
    return this.isEnrolled && this.now() < this.record.expiresAt;
  }

  get wantsToken() {
    const left = this.isEnrolled ? this.record.expiresAt - this.now() : 0;
    return left < RENEW_BEFORE && Date.now() >= this.retryAt;
  }

  /**
   * Get what is missing: the card on this phone, or a fresh token. Throws Refused or NetworkDown;
   * neither while the present token still serves, unless the card itself has ended.
   */
  async refresh() {
    try {
      await navigator.locks.request(ONE_TAB_AT_A_TIME, () => this.#fetchWhatIsMissing());
    } catch (error) {
      this.retryAt = Date.now() + RETRY_AFTER;
      const goesOn = error instanceof NetworkDown || (error instanceof Refused && !FINAL.has(error.code));
      if (!(goesOn && this.hasToken)) {
        throw error;
      }
    }
  }

  /** Measure this phone's clock against the server's; a code with a wrong time is refused. */
  async setClock() {
    if (this.clockIsSet) {
      return;
    }
    try {
      await this.#keep({ clockOffset: worthCorrecting(await clockOffset()) });
    } catch (error) {
      if (!(error instanceof NetworkDown || error instanceof Refused)) {
        throw error;
      }
    }
  }

  /** Forget this phone's key, so that the next `refresh` puts the card on it with a new one. */
  async forget() {
    await this.vault.forget(this.holder);
    this.record = undefined;
    this.retryAt = 0;
  }

  /** Give the text of a fresh code. */
  code() {
    const { keyPair, token } = this.record;
    return qrText(keyPair.privateKey, token, Math.floor(this.now() / 1000));
  }

  async #fetchWhatIsMissing() {
    this.record = await this.vault.read(this.holder); // another tab may have been quicker
    if (!this.isEnrolled) {
      await this.#enrolWithANewKeyIfNeeded();
    } else if (this.wantsToken) {
      await this.#renew();
    }
  }

  async #enrol() {
    // Kept before it is sent: if the answer is lost on the way, the same key is asked for again, and
    // the server finds it; and a browser that can't keep keys is found out before anything is taken.
    const keyPair = this.record?.keyPair ?? (await makeKeyPair());
    await this.#keep({ keyPair });
    const answer = await enrol(await publicJwk(keyPair), this.csrfToken);
    await this.#keep({
      phoneKeyId: answer.phone_key_id,
      cardLastFour: answer.card.last_four,
      ...tokenOf(answer),
    });
  }

  async #renew() {
    try {
      await this.#keep(tokenOf(await renew(this.record.phoneKeyId, this.csrfToken)));
    } catch (error) {
      if (!(error instanceof Refused && FORGOTTEN.has(error.code))) {
        throw error;
      }
      await this.forget();
      await this.#enrol();
    }
  }

  async #enrolWithANewKeyIfNeeded() {
    try {
      await this.#enrol();
    } catch (error) {
      if (!(error instanceof Refused && SPENT.has(error.code))) {
        throw error;
      }
      await this.forget();
      await this.#enrol();
    }
  }

  async #keep(changes) {
    const record = { ...this.record, ...changes };
    await this.vault.write(this.holder, record);
    this.record = record;
    this.clockIsSet ||= "clockOffset" in changes;
  }
}

function tokenOf(answer) {
  return {
    token: fromBase64Url(answer.token),
    expiresAt: Date.parse(answer.expires_at),
    clockOffset: worthCorrecting(answer.offset),
  };
}

function worthCorrecting(offset) {
  return Math.abs(offset) > CLOCK_TOLERANCE ? Math.round(offset) : 0;
}
