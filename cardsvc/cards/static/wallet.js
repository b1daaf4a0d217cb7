// The card's page: shows one of its faces, and on the main one a code that changes.

import { Phone, canHoldACard } from "./phone.js";
import { drawQr } from "./qr.js";
import { NetworkDown, Refused } from "./server.js";

const CODE_SECONDS = 10;
const REMOVED = "phone_key_revoked";
// The page itself is out of date: asking again from it would be refused again.
const STALE = new Set(["form_expired", "not_signed_in"]);

const card = document.querySelector("[data-card]");
const part = (name) => card.querySelector(`[data-part="${name}"]`);
const ring = part("ring");
const ringLength = Number(ring.getAttribute("stroke-dasharray"));

let phone;
let changesAt = 0;
let busy = false;

/** Show one face of the card: code, making, needs_network, unsupported, refused or removed. */
function show(face) {
  for (const each of card.querySelectorAll("[data-face]")) {
    each.hidden = each.dataset.face !== face;
  }
  card.dataset.shows = face;
}

function showRefusal(refusal) {
  if (refusal.code === REMOVED) {
    show("removed");
    return;
  }
  if (refusal.sentence) {
    part("refusal").textContent = refusal.sentence;
  }
  part("refusal-code").textContent = refusal.code;
  show("refused");
}

async function drawCode() {
  drawQr(part("qr"), await phone.code());
  changesAt = Date.now() + CODE_SECONDS * 1000;
  if (phone.cardLastFour) {
    part("last-four").textContent = phone.cardLastFour;
  }
  show("code");
}

function drawCountdown() {
  const left = Math.max(0, Math.ceil((changesAt - Date.now()) / 1000));
  part("seconds").textContent = String(left);
  ring.setAttribute("stroke-dashoffset", String(ringLength * (1 - left / CODE_SECONDS)));
}

/** Bring the page up to date: fetch what is missing, then show a code if there can be one. */
async function work() {
  if (busy || card.dataset.shows === "removed") {
    return;
  }
  busy = true;
  try {
    if (phone.wantsToken) {
      await phone.refresh();
    }
    if (!phone.hasToken) {
      show("needs_network");
    } else if (Date.now() >= changesAt) {
      await drawCode();
    }
  } catch (error) {
    if (error instanceof Refused) {
      showRefusal(error);
    } else if (error instanceof NetworkDown) {
      show("needs_network");
    } else if (error instanceof DOMException) {
      // The browser keeps no keys, or has no room left for them.
      show("unsupported");
    } else {
      part("refusal-code").textContent = error.name;
      show("refused");
      throw error;
    }
  } finally {
    busy = false;
  }
}

async function tick() {
  const face = card.dataset.shows;
  if (face === "code") {
    drawCountdown();
    if (Date.now() >= changesAt || phone.wantsToken) {
      await work();
      drawCountdown();
    }
  } else if (face === "needs_network" && phone.wantsToken) {
    await work();
  }
}

async function tryAgain() {
  if (STALE.has(part("refusal-code").textContent)) {
    location.reload();
    return;
  }
  show("making");
  phone.retryAt = 0;
  changesAt = 0;
  await work();
}

async function begin() {
  if (!canHoldACard()) {
    show("unsupported");
    return;
  }
  try {
    phone = await Phone.open(card.dataset.holder, card.dataset.csrf);
  } catch {
    show("unsupported");
    return;
  }
  for (const button of card.querySelectorAll('[data-act="again"]')) {
    button.addEventListener("click", tryAgain);
  }
  part("add-again").addEventListener("click", async () => {
    await phone.forget();
    await tryAgain();
  });
  if (phone.isEnrolled && card.dataset.removed.split(" ").includes(phone.record.phoneKeyId)) {
    // Its token still has days to run, and no till would take its codes.
    show("removed");
  }
  await work();
  setInterval(tick, 1000);
  addEventListener("online", () => {
    phone.retryAt = 0;
    work();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      // Timers slept while the screen was off: never greet the till with an old code.
      changesAt = 0;
      tick();
    }
  });
  if (phone.hasToken) {
    const before = phone.record.clockOffset;
    await phone.setClock();
    if (phone.record.clockOffset !== before) {
      changesAt = 0;
      await tick();
    }
  }
}

begin();
