// Making this browser a till: a key that never leaves it, and the one-time code.

import { forget, keep, recall } from "./kept.js";
import { enrolReason, fault, say, $ } from "./screen.js";
import { enrol, Refused } from "./server.js";
import { makeKeyPair, publicJwk } from "./signing.js";

/** Listens to the form; calls `done` with the till once it is enrolled and kept. */
export function listen(done) {
  $("enrol").addEventListener("submit", async (event) => {
    event.preventDefault();
    const code = $("code").value.trim();
    if (!code) return wrong(say("enter_code"));
    $("enrol-go").disabled = true;
    try {
      const till = await enrolled(code);
      wrong(null);
      enrolReason(null);
      $("enrol").reset();
      await done(till);
    } catch (failure) {
      wrong(failure instanceof Refused && failure.title ? failure.title : say("unreachable_more"));
    } finally {
      $("enrol-go").disabled = false;
    }
  });
}

async function enrolled(code) {
  // Kept before it is sent: if the answer is lost, the same key with the same code gets it again.
  const pair = (await recall("pair")) ?? (await makeKeyPair());
  await keep("pair", pair);
  const answer = await enrol(code, await publicJwk(pair));
  const till = { id: answer.terminal_id, pair };
  await keep("till", till);
  await forget("pair");
  return till;
}

function wrong(sentence) {
  fault("code-error", sentence);
  $("code").setAttribute("aria-invalid", String(Boolean(sentence)));
  if (sentence) $("code").focus();
}
