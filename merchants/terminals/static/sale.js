// One sale, from the card's code to an answer that is sure.
//
// The sale is on the disk before it is sent, and stays there until its answer is known: a page that
// is closed or reloaded in between asks again. Asking again is harmless, for the same key never sells
// twice: the server gives its first answer, or, where the sale never arrived, decides it now.

import { forget, keep, recall } from "./kept.js";
import { Refused, Unreachable } from "./server.js";

const PATH = "/api/v1/purchases";
const QUICK_TRIES = 3;
const WAITS_MILLISECONDS = [400, 1000, 2000, 4000, 8000];

/** @returns a new sale, not sent: amounts in cents */
export function newSale({ qr, category, amountCents, acceptPartial }) {
  return {
    key: crypto.randomUUID(),
    amountCents,
    category,
    body: JSON.stringify({
      qr,
      lines: [{ category, amount_cents: amountCents, ean: null }],
      currency: "EUR",
      accept_partial: acceptPartial,
    }),
  };
}

/** @returns the sale whose answer isn't known yet, or undefined */
export const unfinishedSale = () => recall("sale");

export const beginSale = (sale) => keep("sale", sale);

export const endSale = () => forget("sale");

/**
 * Asks until the answer is known, for as long as it takes.
 * @param pause waits so many milliseconds, or less when something tells it to ask now
 * @param onWaiting called each time that no answer came
 * @returns the purchase's answer, refusals too. Throws `Refused` when the server would not have it.
 */
export async function settle(server, sale, { pause, onWaiting }) {
  for (let tries = 1; ; tries += 1) {
    try {
      // First the sale itself, quickly; then whether it is known; and if not, the sale again.
      if (tries <= QUICK_TRIES || tries % 2 === 1) return await send(server, sale);
      return await lookUp(server, sale);
    } catch (failure) {
      if (failure instanceof Refused) {
        // Nothing before this went unanswered: nothing can have been sold.
        if (tries === 1) throw failure;
        const sold = await soldBefore(server, sale);
        if (sold === null) throw failure;
        if (sold) return sold;
      } else if (!(failure instanceof Unreachable)) throw failure;
    }
    onWaiting(tries);
    await pause(WAITS_MILLISECONDS[Math.min(tries, WAITS_MILLISECONDS.length) - 1]);
  }
}

function send(server, sale) {
  return server.ask("POST", PATH, { body: sale.body, idempotencyKey: sale.key });
}

/** @returns the sale's answer; null when the server says that there is none; false: it won't say */
async function soldBefore(server, sale) {
  try {
    return await server.ask("GET", `${PATH}/by-key/${sale.key}`);
  } catch (failure) {
    return failure instanceof Refused && failure.status === 404 ? null : false;
  }
}

async function lookUp(server, sale) {
  const sold = await soldBefore(server, sale);
  // Not known there: it may still be on its way, so only sending it again makes sure.
  if (!sold) throw new Unreachable("not known");
  return sold;
}
