// The amount that the cashier types: digits fill the cents from the right, as on a card terminal.

const MOST_DIGITS = 7;

export class Amount {
  #digits = "";

  get cents() {
    return Number(this.#digits || "0");
  }

  /** @param key "0" to "9", "00", or "back" */
  press(key) {
    if (key === "back") this.#digits = this.#digits.slice(0, -1);
    else this.#digits = (this.#digits + key).replace(/^0+/, "").slice(0, MOST_DIGITS);
  }

  clear() {
    this.#digits = "";
  }
}

/** Writes cents as people do: "12,40 €" or "€12.40". */
export function euros(cents, language) {
  const whole = String(Math.trunc(cents / 100));
  const rest = String(cents % 100).padStart(2, "0");
  const grouped = (mark) => whole.replace(/\B(?=(\d{3})+$)/g, mark);
  return language === "fr" ? `${grouped("\u00a0")},${rest}\u00a0€` : `€${grouped(",")}.${rest}`;
}
