// The till: opens, sells, says what is in the way. One sale at a time.

import { Amount } from "./amount.js";
import { Camera, NoCamera } from "./camera.js";
import { listen as listenToEnrolment } from "./enrolment.js";
import { keep, recall } from "./kept.js";
import { beginSale, endSale, newSale, settle, unfinishedSale } from "./sale.js";
import * as screen from "./screen.js";
import { Refused, Server } from "./server.js";
import { allowSound, play } from "./sounds.js";

const { $, say } = screen;
const FRESH_MILLISECONDS = 60_000;
const SCANNER_MILLISECONDS = 200; // nobody types two signs as fast as a scanner does
const MOST_CENTS = 99_999_99;
const CARD = "SES1:";

const amount = new Amount();
const { detector, wasm } = $("till").dataset;
const camera = new Camera($("video"), detector, new URL(wasm, location.href).href);
let till = null; // {id, pair, own}: own is what the server last told of it
let server = null;
let category = null;
let askedAt = 0;
let selling = false;
let typedAt = -Infinity;
let askNow = () => {};

async function open() {
  if (!globalThis.crypto?.subtle || !globalThis.indexedDB) {
    return screen.blocked({ title: say("browser_too_old"), more: say("browser_too_old_more") });
  }
  till = await recall("till");
  if (!till) return screen.view("enrol");
  server = new Server(till);
  const blocked = await askWhoIAm();
  const unfinished = await unfinishedSale();
  if (unfinished && till?.own) {
    showCounter();
    return finish(unfinished);
  }
  if (blocked) blocked();
  else showCounter();
}

/** Asks the server about this till. @returns what to show when it may not sell, else null */
async function askWhoIAm() {
  try {
    const own = await server.ask("GET", "/api/v1/terminals/me");
    server.setClock(own.server_time);
    till = { ...till, own };
    await keep("till", till);
    askedAt = Date.now();
    screen.line(true);
    return inTheWay(own);
  } catch (failure) {
    if (failure instanceof Refused) return refusedBlock(failure);
    screen.line(false);
    if (till.own) return null; // a shop that was known: the counter opens, and says it is offline
    return () => screen.blocked({ title: say("unreachable"), more: say("unreachable_more") });
  }
}

function refusedBlock(failure) {
  const unknown = ["terminal_unknown", "request_signature_invalid"].includes(failure.code);
  if (unknown) {
    return () => {
      screen.enrolReason(say("unknown_till"));
      screen.view("enrol");
    };
  }
  return () => screen.blocked({ title: say("unreachable"), more: failure.title, code: failure.code });
}

function inTheWay(own) {
  const shop = own.site.name;
  const because = (name, code, mayEnrol = false) => () =>
    screen.blocked({ title: say(name), more: say(`${name}_more`), code, shop, mayEnrol });
  if (own.state === "suspended") return because("suspended", "terminal_suspended");
  if (own.state !== "active") return because("revoked", "terminal_revoked", true);
  const state = own.convention?.state ?? "none";
  if (state === "draft") return because("convention_draft", "convention_unsigned");
  if (state === "suspended") return because("convention_suspended", "convention_suspended");
  if (state !== "active") return because("convention_ended", "convention_missing");
  return null;
}

function showCounter() {
  const codes = till.own.convention?.categories ?? [];
  if (!codes.includes(category)) category = codes[0] ?? null;
  screen.shop(till.own);
  screen.chips(codes, category);
  screen.amount(amount.cents, category);
  screen.view("counter");
}

// ---- typing ----

function press(key) {
  if (screen.stageName() === "answer" || screen.stageName() === "trouble") startAgain();
  if (screen.stageName() !== "idle") return;
  amount.press(key);
  screen.amount(amount.cents, category);
  screen.fault("sum-error", null);
}

function choose(code) {
  category = code;
  for (const chip of $("chips").children) {
    chip.setAttribute("aria-pressed", String(chip.dataset.category === code));
  }
  screen.amount(amount.cents, category);
}

/** Says what is missing before a card can be read. @returns whether the sale can go on */
function ready() {
  let missing = null;
  if (amount.cents === 0) missing = "type_amount";
  else if (amount.cents > MOST_CENTS) missing = "too_much";
  screen.fault("sum-error", missing && say(missing));
  return missing === null;
}

// ---- selling ----

async function readCard() {
  if (selling || screen.stageName() !== "idle" || !ready()) return;
  screen.stage("camera");
  try {
    const qr = await camera.read((text) => text.startsWith(CARD));
    if (qr !== null) await sell(qr);
  } catch (failure) {
    if (!(failure instanceof NoCamera)) throw failure;
    screen.stage("idle");
    screen.fault("sum-error", say(failure.allowed ? "camera_missing" : "camera_refused"));
    $("qr").focus();
  }
}

async function sell(qr) {
  // Once answered, a card scanned again must not pay the same amount twice.
  if (selling || !["idle", "camera"].includes(screen.stageName()) || !ready()) return;
  if (!qr.startsWith(CARD)) return screen.fault("sum-error", say("not_a_card"));
  if (!navigator.onLine) {
    screen.line(false);
    return screen.trouble({ word: say("no_network"), more: say("no_network_more") });
  }
  selling = true;
  const acceptPartial = till.own.convention?.accepts_partial ?? false;
  const sale = newSale({ qr, category, amountCents: amount.cents, acceptPartial });
  screen.checking("checking", null, false);
  await beginSale(sale);
  await finish(sale);
}

/** Asks for a sale's answer until it is known, and shows it. */
async function finish(sale) {
  selling = true;
  screen.amount(sale.amountCents, sale.category);
  screen.checking("checking", null, false);
  try {
    const answer = await settle(server, sale, { pause, onWaiting: sayThatWeAsk });
    await endSale();
    screen.line(true);
    screen.answer(answer, sale.amountCents);
    play(answer.outcome);
  } catch (failure) {
    if (!(failure instanceof Refused)) throw failure;
    await endSale();
    screen.trouble({ word: say("not_sold"), more: failure.title, code: failure.code });
    play("refused");
  } finally {
    selling = false;
  }
  focusOnStage();
}

function sayThatWeAsk() {
  screen.line(navigator.onLine);
  const more = navigator.onLine ? "verifying_more" : "verifying_offline";
  screen.checking("verifying", more, true);
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    askNow = resolve;
    setTimeout(resolve, milliseconds);
  });
}

function focusOnStage() {
  const button = $("stage").querySelector("[data-stage-for]:not([hidden]) button");
  button?.focus({ preventScroll: true });
}

function startAgain() {
  amount.clear();
  backToSale();
  if (Date.now() - askedAt > FRESH_MILLISECONDS) {
    askWhoIAm().then((blocked) => {
      if (blocked && !selling) blocked();
    });
  }
}

function backToSale() {
  camera.stop();
  delete $("stage").dataset.outcome;
  screen.fault("sum-error", null);
  screen.stage("idle");
  screen.amount(amount.cents, category);
  $("read").focus({ preventScroll: true });
}

// ---- listening ----

$("keys").addEventListener("click", (event) => {
  const key = event.target.closest("button")?.dataset.key;
  if (key) press(key);
});
$("chips").addEventListener("click", (event) => {
  const code = event.target.closest("button")?.dataset.category;
  if (code) choose(code);
});
$("read").addEventListener("click", readCard);
$("wedge").addEventListener("submit", (event) => {
  event.preventDefault();
  // Only line ends are taken off: a card's text may end in a space.
  const qr = $("qr").value.replace(/[\r\n]+$/, "");
  $("qr").value = "";
  if (qr) sell(qr);
});
$("stage").addEventListener("click", (event) => {
  const act = event.target.closest("button")?.dataset.act;
  if (act === "cancel" || act === "back") backToSale();
  if (act === "new") startAgain();
  if (act === "ask") askNow();
});
$("blocked-again").addEventListener("click", () => location.reload());
$("blocked-enrol").addEventListener("click", () => screen.view("enrol"));

// A card's text has spaces in it: one that a scanner types must not press the focused button.
for (const moment of ["keydown", "keyup"]) {
  document.addEventListener(moment, (event) => {
    const scanned = event.timeStamp - typedAt < SCANNER_MILLISECONDS;
    if (event.key === " " && scanned && event.target.closest("button")) event.preventDefault();
    if (moment === "keydown" && /^[^ ]$/.test(event.key)) typedAt = event.timeStamp;
  });
}
document.addEventListener("pointerdown", allowSound);
document.addEventListener("keydown", (event) => {
  allowSound();
  if (!screen.inCounter() || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && screen.stageName() === "camera") return backToSale();
  // A scanner types digits too: only on an open sale do they make an amount.
  if (event.target.closest("input") || screen.stageName() !== "idle") return;
  if (/^[0-9]$/.test(event.key)) press(event.key);
  else if (event.key === "Backspace") press("back");
  else if (event.key === "Enter" && !event.target.closest("button, a")) readCard();
  else if (/^[A-Za-z]$/.test(event.key)) {
    $("qr").focus(); // a scanner types like a keyboard: what follows goes to its field
  }
});
addEventListener("online", () => {
  screen.line(true);
  askNow();
});
addEventListener("offline", () => screen.line(false));

listenToEnrolment(async (enrolled) => {
  till = enrolled;
  server = new Server(till);
  const blocked = await askWhoIAm();
  if (blocked) blocked();
  else if (till.own) showCounter();
});
await open();
