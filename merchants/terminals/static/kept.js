// What this till keeps in the browser: its key (which no script can read out), who it is, and the
// sale whose answer isn't known yet. One IndexedDB store of named things.

const NAME = "sesame-till";
const STORE = "kept";

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function inStore(mode, act) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** @returns the thing kept under `name`, or undefined */
export const recall = (name) => inStore("readonly", (store) => store.get(name));

/** Keeps `thing` under `name`; done only once it is on the disk. */
export const keep = (name, thing) => inStore("readwrite", (store) => store.put(thing, name));

export const forget = (name) => inStore("readwrite", (store) => store.delete(name));
