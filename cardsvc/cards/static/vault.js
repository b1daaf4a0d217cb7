// What this phone keeps of a card, in IndexedDB: the key pair, the phone's id, the present token.
// One record for each holder, so that two people who share a phone don't share a card.

const DATABASE = "sesame-card";
const STORE = "phones";

/** Open the vault. Rejects where the browser keeps nothing (some private windows). */
export async function openVault() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return new Vault(await answer(request));
}

class Vault {
  constructor(database) {
    this.database = database;
  }

  /** Give what is kept for a holder, or undefined. */
  read(holder) {
    return answer(this.store("readonly").get(holder));
  }

  /** Keep `record` for a holder, in the place of what was there. */
  write(holder, record) {
    return answer(this.store("readwrite").put(record, holder));
  }

  /** Keep nothing more for a holder. */
  forget(holder) {
    return answer(this.store("readwrite").delete(holder));
  }

  store(mode) {
    return this.database.transaction(STORE, mode).objectStore(STORE);
  }
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
