// What every screen says above all: not live, fire, lockdown, life-safety release.
import { changes, isConnected, isLive, state } from "../state.js";
import { dayMinute, joined, named, t } from "../words.js";
import { clearFire, whyNoFireReset } from "./actions.js";
import { act, mayAct } from "./acts.js";
import { h } from "./dom.js";
import { groupName, reasonWord } from "./door-facts.js";
import { releaseLockdown, releaseLockOpen } from "./mode-actions.js";

let shown = null, startedAt = 0;

export function banners() {
  startedAt ||= Date.now();
  shown = Object.fromEntries(["not-live", "fire", "lockdown", "lock-open"].map((id) => [id, h("div", { id, class: "banner", role: "alert", hidden: true })]));
  draw();
  return Object.values(shown);
}
export function forgetBanners() { shown = null; startedAt = 0; }

function draw() {
  if (!shown || !state.me) return;
  const stale = !isLive() && Date.now() - startedAt > 3000;
  document.body.classList.toggle("stale", stale);
  say("not-live", stale && [t("ui.not_live"), t(isConnected() ? "ui.not_live_detail" : "ui.not_live_network")]);
  // The last that was heard: not live, a fire is still a fire.
  const { latched, active } = state.status.fire ?? {};
  const whyNot = stale ? t("ui.not_live_button") : whyNoFireReset();
  say("fire", (latched || active) && [t("ui.fire_banner"), t(active ? "ui.fire_active" : "ui.fire_latched"), whyNot], () =>
    state.me.role === "supervisor" && act({ onclick: clearFire }, t("ui.fire_reset"), whyNoFireReset));
  layer("lockdown", "lockdowns", "LockedDown", () => mayAct() && act({ onclick: releaseLockdown }, t("ui.lockdown_release")));
  layer("lock-open", "lock_opens", "LockedOpen", () => mayAct() && act({ onclick: releaseLockOpen }, t("ui.lock_open_release")));
}
function layer(id, name, mode, button) {
  const settings = new Map(), doors = Object.entries(state.status.doors ?? {}).filter(([, now]) => now.mode === mode).map(([door]) => door);
  for (const door of Object.values(state.doors)) for (const [group, setting] of Object.entries(door[name])) settings.set(`${group}/${setting.at}`, { group, ...setting });
  const told = [...settings.values()].map(({ group, reason, actor, at }) =>
    t("ui.locked_down_by", { group: groupName(group), reason: reasonWord(reason), actor, at: dayMinute(at, state.site.zone) }));
  const text = told.join("; ") || joined(doors.map((door) => named(state.site.doors[door], door)));
  say(id, text && [t(id === "lockdown" ? "ui.lockdown_banner" : "ui.lock_open_banner"), text], button);
}
function say(id, words, button = () => null) {
  const place = shown[id];
  place.hidden = !words;
  const key = words ? words.join("\n") : "";
  if (place.dataset.said === key) return;
  place.dataset.said = key;
  place.replaceChildren(...(words ? [h("b", {}, words[0]), h("span", {}, words[1]), button() || "", words[2] ? h("span", { class: "why-not" }, words[2]) : ""] : []));
}
for (const what of ["beat", "status", "doors"]) changes.addEventListener(what, draw);
