// Everything that the till draws. It asks nothing and decides nothing.

import { euros } from "./amount.js";

export const $ = (id) => document.getElementById(id);

const root = $("till");
const texts = JSON.parse(root.dataset.texts);
const categories = JSON.parse(root.dataset.categories);
export const language = document.documentElement.lang.startsWith("fr") ? "fr" : "en";

/** @returns the sentence of that name, its `{places}` filled */
export const say = (name, places = {}) =>
  texts[name].replace(/\{(\w+)\}/g, (whole, place) => places[place] ?? whole);

/** Shows one of: loading, enrol, blocked, counter. */
export function view(name) {
  root.dataset.view = name;
  for (const part of root.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== name;
  if (name === "enrol") $("code").focus();
  if (name === "blocked") $("blocked-title").focus();
}

export const inCounter = () => root.dataset.view === "counter";

/** Shows one of: idle, camera, checking, answer, trouble. */
export function stage(name) {
  $("counter").dataset.stage = name;
  for (const part of $("stage").querySelectorAll("[data-stage-for]")) {
    part.hidden = part.dataset.stageFor !== name;
  }
  for (const id of ["read", "qr"]) $(id).disabled = name !== "idle";
}

export const stageName = () => $("counter").dataset.stage;

export function line(online) {
  $("line").hidden = false;
  $("line").className = online ? "tag ok" : "tag warn";
  $("line-text").textContent = say(online ? "online" : "offline");
}

/** Says what keeps this till from selling. */
export function blocked({ title, more, code = "", shop = "", mayEnrol = false }) {
  $("blocked-title").textContent = title;
  $("blocked-more").textContent = more;
  $("blocked-code").textContent = code;
  $("blocked-shop").textContent = shop;
  $("blocked-enrol").hidden = !mayEnrol;
  view("blocked");
}

/** Writes a sentence beside what must be changed, or takes it away. */
export function fault(id, sentence) {
  const place = $(id);
  place.hidden = !sentence;
  place.querySelector("span:last-child").textContent = sentence ?? "";
}

export function enrolReason(sentence) {
  $("enrol-why").hidden = !sentence;
  $("enrol-why").querySelector("p").textContent = sentence ?? "";
}

/** @param own the answer of /terminals/me */
export function shop(own) {
  const number = say("till_number", { number: own.number });
  $("shop-name").textContent = own.site.name;
  $("shop-more").textContent = `${number} · ${say("convention_active")}`;
}

export const categoryName = (code) => categories[code] ?? code;

export function chips(codes, chosen) {
  const made = codes.map((code) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "chip";
    chip.dataset.category = code;
    chip.textContent = categoryName(code);
    chip.setAttribute("aria-pressed", String(code === chosen));
    return chip;
  });
  $("chips").replaceChildren(...made);
}

export function amount(cents, category) {
  $("amount").textContent = euros(cents, language);
  $("sum-category").textContent = category ? categoryName(category) : "";
}

export function checking(word, more, mayAsk) {
  $("checking-word").textContent = say(word);
  $("checking-more").textContent = more ? say(more) : "";
  $("ask-now").hidden = !mayAsk;
  stage("checking");
}

/** @param answer of the purchase API: approved, partial or refused */
export function answer(answer, askedCents) {
  const { outcome } = answer;
  const sold = outcome !== "refused";
  const left = answer.remaining_cents ?? askedCents - answer.approved_cents;
  $("stage").dataset.outcome = outcome;
  $("answer-word").textContent = say(outcome);
  $("answer-pays").textContent = euros(answer.approved_cents, language);
  $("answer-pays").closest("p").hidden = !sold;
  $("answer-left").textContent = euros(left, language);
  $("answer-left-line").hidden = left === 0;
  $("answer-why").textContent = why(answer, left);
  $("answer-number").textContent = answer.authorisation ?? "";
  $("answer-number-line").hidden = !answer.authorisation || !sold;
  $("answer-code").textContent = codes(answer);
  $("answer-code-line").hidden = codes(answer) === "";
  stage("answer");
}

function why(answer, left) {
  const said = [...new Set((answer.reasons ?? []).map((reason) => reason.cashier[language]))];
  if (said.length > 0) return said.join(" ");
  if (left === 0) return say("nothing_left");
  return answer.outcome === "refused" ? say("nothing_taken") : "";
}

function codes(answer) {
  return [...new Set((answer.reasons ?? []).map((reason) => reason.code))].join(", ");
}

export function trouble({ word, more, code = "" }) {
  $("trouble-word").textContent = word;
  $("trouble-more").textContent = more;
  $("trouble-code").textContent = code;
  stage("trouble");
}
