// Clips and snapshots of an alarm: one a file, by what happened, the newest occurrence first.
import { isConnected, state } from "../state.js";
import { dayTime, joined, t } from "../words.js";
import { h } from "./dom.js";

const RECORDING_MS = 180000;  // the longest clip, and some time to write it
const RETRY_MS = 3000;

const shows = (item, at) => item.shows.includes(at);
const newestShown = (item) => item.shows.at(-1) ?? item.started_at;
export function newestFirst(alarm) {
  return [...alarm.evidence].sort((a, b) => newestShown(b).localeCompare(newestShown(a)) || (b.kind === "clip") - (a.kind === "clip") || b.started_at.localeCompare(a.started_at));
}
// What to look at first: of the newest occurrence its clip, or its picture while there is none.
export function firstToSee(alarm) {
  const newest = newestFirst(alarm).filter((item) => shows(item, alarm.last_at));
  return newest.find((item) => item.kind === "clip") ?? newest[0] ?? null;
}
// What is said where the newest occurrence has no clip. One is made of a door at which the alarm names the camera, and of
// what a camera saw by itself; a camera that only happens to stand there records nothing.
export function noClip(alarm) {
  if (!alarm.camera || !alarm.door && alarm.kind !== "intrusion" || alarm.evidence.some((item) => item.kind === "clip" && shows(item, alarm.last_at))) return "";
  const recording = alarm.state !== "resolved" && Date.now() - Date.parse(alarm.last_at) < RECORDING_MS;
  return t(recording ? "ui.clip_recording" : "ui.clip_missing", { time: dayTime(alarm.last_at, state.site.zone) });
}
export const cameraOf = (alarm) => alarm.camera ?? Object.entries(state.site.camera_doors).find(([, doors]) => doors.includes(alarm.door))?.[0];

export function named(item) {
  const zone = state.site.zone, kind = t(`ui.${item.kind}`), start = dayTime(item.started_at, zone);
  if (!item.shows.length) return t("ui.clip_from", { kind, start });
  const time = joined(item.shows.slice(-3).map((at) => dayTime(at, zone)));
  return item.kind === "snapshot" ? t("ui.picture_of", { kind, time }) : t("ui.clip_of", { kind, time, start });
}

// A picture or clip that is fetched again when it could not be: the console was away, or the line was bad. A browser
// itself tries for a minute before it says that a clip has failed.
export function media(item, poster) {
  const src = `/api/evidence/${item.event_id}`, caption = h("p", { class: "caption", hidden: true });
  const shown = item.kind === "clip"
    ? h("video", { "data-evidence": item.event_id, src, poster: poster && `/api/evidence/${poster.event_id}`, controls: true, muted: true, preload: "metadata" })
    : h("img", { "data-evidence": item.event_id, src, alt: t("ui.snapshot") });
  const box = h("div", { class: "media" }, shown, caption);
  const loaded = () => item.kind === "clip" ? shown.readyState > 0 : shown.complete && shown.naturalWidth > 0;
  let missed = false, asking = false;
  const say = (key) => { caption.textContent = key && t(key); caption.hidden = !key; };
  const timer = setInterval(look, RETRY_MS / 3);
  shown.addEventListener("error", () => { missed = true; look(); });
  for (const good of ["loadeddata", "loadedmetadata", "load"]) shown.addEventListener(good, () => { missed = false; say(""); });
  async function look() {
    if (!box.isConnected && caption.dataset.seen) { clearInterval(timer); return; }
    if (box.isConnected) caption.dataset.seen = "yes";
    if (asking || loaded() && !missed) return;
    if (!isConnected()) { missed = true; say("ui.media_waits"); return; }
    if (!missed) return;
    asking = true;
    const answer = await fetch(src, { headers: { range: "bytes=0-0" } }).catch(() => null);
    asking = false;
    if (answer?.status === 404) { clearInterval(timer); say("ui.media_gone"); return; }
    say("ui.media_retry");
    if (answer?.ok) { missed = false; shown.src = src; }
  }
  return box;
}
