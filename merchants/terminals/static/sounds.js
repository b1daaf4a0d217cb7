// A sound for each answer, told apart without looking: two notes up, one long note, two notes down.

const TUNES = {
  approved: [[660, 0, 0.12], [990, 0.13, 0.22]],
  partial: [[660, 0, 0.12], [660, 0.18, 0.12], [880, 0.36, 0.2]],
  refused: [[300, 0, 0.18], [200, 0.2, 0.34]],
};

let context = null;

/** To be called when the cashier presses something: browsers allow sound only after that. */
export function allowSound() {
  context ??= globalThis.AudioContext ? new AudioContext() : null;
  if (context?.state === "suspended") context.resume();
}

/** @param outcome "approved", "partial" or "refused" */
export function play(outcome) {
  if (!context) return;
  for (const [hertz, after, lasts] of TUNES[outcome] ?? []) {
    const start = context.currentTime + after;
    const note = context.createOscillator();
    const volume = context.createGain();
    note.type = "triangle";
    note.frequency.value = hertz;
    volume.gain.setValueAtTime(0.25, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + lasts);
    note.connect(volume).connect(context.destination);
    note.start(start);
    note.stop(start + lasts);
  }
}
