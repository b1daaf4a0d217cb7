// Among the phones that hold the card, says which one is this one.

import { openVault } from "./vault.js";

async function markThisPhone(list) {
  const record = await (await openVault()).read(list.dataset.holder);
  const line = record && list.querySelector(`[data-phone="${record.phoneKeyId}"] [data-this]`);
  if (line) {
    line.hidden = false;
  }
}

const phones = document.querySelector("[data-phones]");
if (phones && globalThis.indexedDB) {
  // A browser that keeps nothing is no phone of the card: nothing to mark.
  markThisPhone(phones).catch(() => {});
}
