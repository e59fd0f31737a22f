// Boot, and the frame around the screens.
import { ask, get } from "./api.js";
import { banners, forgetBanners } from "./parts/banners.js";
import { badge, clearToasts, dialog, h, logo } from "./parts/dom.js";
import "./parts/live-picture.js";
import { redrawPopups, startPopups } from "./parts/popups.js";
import { passwordForm, signInForm, switchTheme } from "./parts/sign-in.js";
import { drawWaiting } from "./parts/waiting.js";
import "./screens/alarms.js";
import "./screens/cameras.js";
import "./screens/doors.js";
import "./screens/events.js";
import "./screens/patrol.js";
import "./screens/people.js";
import "./screens/system.js";
import { soundOn, toggleSound } from "./sound.js";
import { changes, loudAlarms, officeNow, startLive, state, stopLive } from "./state.js";
import { clockTime, loadWords, named, switchLanguage, t } from "./words.js";

const app = document.getElementById("app");
let screen = "alarms";
// Who is where is no technician's business; where nobody patrols there is nothing to see of it.
const guards = () => state.me.role !== "technician", patrols = () => guards() && Object.keys(state.site.tours).length > 0;
const screens = () => ["alarms", "doors", "events", "people", "patrol", "cameras", "system"].filter((name) => ({ people: guards, patrol: patrols })[name]?.() ?? true);

document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "dark";

function signInPage() {
  stopLive();
  forgetBanners();
  parts = {};
  state.me = null;
  for (const box of document.querySelectorAll("dialog")) box.close();
  redrawPopups(show);
  document.body.classList.remove("stale");
  signInForm(app, enter);
}
async function enter() {
  if (state.me.must_change) { passwordForm(app, enter); return; }
  state.site = await get("/api/site");
  if (!screens().includes(screen)) screen = "alarms";
  await startLive();
  frame();
}
function show(alarm) { state.selected = alarm.id; state.pinned = true; go("alarms"); }
function go(name, kept = null) { screen = name; clearToasts(); frame(kept); redrawPopups(show); }
function changeLanguage() { switchLanguage(); frame(); redrawPopups(show); }

let parts = {};
function frame(kept = null) {
  document.title = `${named(state.site.name, state.site.id)} · ${t("ui.title")}`;
  parts = { clock: h("time", { class: "clock" }), counts: h("div", { class: "counts" }), office: h("div", { class: "office" }) };
  const old = document.querySelector("main > *"), fresh = h(`${screen}-screen`);
  fresh.kept = kept ?? (old?.localName === fresh.localName ? old.keep?.() : null);
  const sound = h("button", { class: "quiet", id: "sound", "aria-pressed": String(soundOn()), onclick: () => { toggleSound(); sound.textContent = t(soundOn() ? "ui.sound_on" : "ui.sound_off"); sound.setAttribute("aria-pressed", String(soundOn())); } }, t(soundOn() ? "ui.sound_on" : "ui.sound_off"));
  app.replaceChildren(...banners(),
    h("header", { class: "top" },
      h("div", { class: "site" }, logo(), h("b", {}, named(state.site.name, state.site.id)), parts.clock),
      parts.counts, parts.office,
      h("div", { class: "tools" }, sound, h("button", { class: "quiet", onclick: switchTheme, title: t("ui.theme"), "aria-label": t("ui.theme") }, "◐"),
        h("button", { class: "quiet", id: "language", onclick: changeLanguage }, t("ui.language")),
        h("button", { class: "quiet", onclick: help }, "F1"),
        h("button", { class: "quiet", id: "sign-out", title: state.me.user, onclick: async () => { await ask("DELETE", "/api/session").catch(() => null); signInPage(); } }, t("ui.sign_out")))),
    h("nav", {}, screens().map((name, index) => h("button", { "data-screen": name, "aria-current": name === screen ? "page" : null, onclick: () => go(name) }, h("kbd", {}, String(index + 1)), t(`ui.${name}`))),
      h("div", { class: "who" }, h("span", {}, `${t("ui.post")} ${state.me.post}`), h("b", {}, state.me.user))),
    h("div", { id: "waiting" }),
    h("main", {}, fresh));
  tick(); counts(); office(); drawWaiting();
}
function tick() { if (state.me && parts.clock) parts.clock.textContent = clockTime(new Date().toISOString(), state.site.zone); }
function counts() {
  if (!parts.counts) return;
  const open = loudAlarms();
  parts.counts.replaceChildren(...[1, 2, 3, 4].map((priority) => {
    const n = open.filter((alarm) => alarm.priority === priority).length;
    return h("span", { class: n ? `count some p${priority}` : "count" }, badge(priority, t(`ui.priority_${priority}`)), h("span", {}, t(`ui.priority_${priority}`)), h("b", {}, String(n)));
  }));
}
function office() {
  if (!parts.office) return;
  const { how, queue, age_s: oldest, silent, refusal } = officeNow();
  const age = oldest ? ` · ${t("ui.queue_age", { age: t("ui.ago_s", { n: Math.round(oldest) }) })}` : "";
  const detail = silent ? t("ui.silent") : `${t("ui.queue")} ${queue ?? t("ui.unknown")}${age}`;
  parts.office.replaceChildren(h("span", { class: `lamp ${how}` }, `${t("ui.office")} ${t(refusal ? "ui.office_refuses" : `ui.${how}`)}`), h("span", { class: "muted" }, detail));
}
function help() {
  const box = dialog(t("ui.help"), h("div", {}, ["keys", "open", "waiting", ...(guards() ? ["people"] : []), ...(patrols() ? ["patrol"] : []), "lockdown", "live"].map((name) => `ui.help_${name}`).map((key) => h("p", {}, t(key))), h("button", { onclick: () => box.close() }, t("ui.close"))));
}

addEventListener("keydown", (event) => {
  if (event.key === "F1") { event.preventDefault(); if (state.me && !document.querySelector("dialog")) help(); return; }
  if (!state.me || state.me.must_change || event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog")) return;
  if (event.target.matches?.("input, select, textarea")) { if (event.key === "Escape") event.target.blur(); return; }
  if (/^[1-7]$/.test(event.key)) { const name = screens()[Number(event.key) - 1]; if (name) go(name); return; }
  if (document.querySelector("main > *")?.key?.(event.key.length === 1 ? event.key.toLowerCase() : event.key)) event.preventDefault();
  else if (event.key === "Escape") go("alarms");
});
addEventListener("show-event", (event) => go("events", { text: "", door: "", types: "", chosen: event.detail }));
addEventListener("show-screen", (event) => { if (screens().includes(event.detail)) go(event.detail); });
addEventListener("signed-out", () => { if (state.me) signInPage(); });
changes.addEventListener("beat", () => { tick(); office(); });
changes.addEventListener("alarms", counts);
changes.addEventListener("status", office);
startPopups(show);

await loadWords();
try { state.me = await get("/api/session"); } catch { state.me = null; }
if (state.me) await enter().catch(signInPage); else signInPage();
