// One pitch for each priority; P1 and P2 sound again every 30 s until they are acknowledged.
import { changes, loudAlarms, isLive, state } from "./state.js";

const tones = { 1: [880, 660, 880, 660], 2: [660, 660], 3: [440], 4: [], waiting: [523, 659] };
let audio = null, lastAt = 0, wasLive = true, waited = new Set();
export const soundOn = () => audio !== null;

export function toggleSound() {
  if (audio) { audio.close(); audio = null; return; }
  audio = new AudioContext();
  play(3);
}
export function play(priority) {
  if (!audio) return;
  lastAt = Date.now();
  tones[priority].forEach((pitch, index) => {
    const tone = audio.createOscillator(), volume = audio.createGain(), at = audio.currentTime + index * 0.22;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
    tone.connect(volume).connect(audio.destination);
    tone.start(at); tone.stop(at + 0.21);
  });
}
changes.addEventListener("called", (event) => play(Math.min(...event.detail.map((alarm) => alarm.priority))));
// Somebody stands at a door and waits for a yes.
changes.addEventListener("doors", () => {
  const now = new Set(state.waiting.filter((each) => each.wants === "confirmation").map((each) => each.request));
  if ([...now].some((request) => !waited.has(request))) play("waiting");
  waited = now;
});
changes.addEventListener("beat", () => {
  if (state.me && wasLive && !isLive()) play(3);
  wasLive = isLive();
  const waiting = loudAlarms().find((alarm) => alarm.state === "open");
  if (waiting && waiting.priority <= 2 && Date.now() - lastAt > 30000) play(waiting.priority);
});
