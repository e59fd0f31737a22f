// Boot, sign-in, and the frame around the screens.
import { ask, get, post } from "./api.js";
import { badge, dialog, h } from "./parts/dom.js";
import "./parts/live-picture.js";
import { redrawPopups, startPopups } from "./parts/popups.js";
import "./screens/alarms.js";
import "./screens/cameras.js";
import "./screens/doors.js";
import "./screens/events.js";
import "./screens/system.js";
import { soundOn, toggleSound } from "./sound.js";
import { changes, isConnected, isLive, openAlarms, startLive, state, stopLive } from "./state.js";
import { clockTime, language, loadWords, named, switchLanguage, t } from "./words.js";

const SCREENS = ["alarms", "doors", "events", "cameras", "system"];
const app = document.getElementById("app");
let screen = "alarms", startedAt = 0;

document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "dark";

function signInPage() {
  stopLive();
  state.me = null;
  redrawPopups(show);
  form(t("ui.sign_in"), "", [["user", "ui.user", "text", "username"], ["password", "ui.password", "password", "current-password"]], t("ui.sign_in"),
    async (values) => { state.me = await post("/api/session", values); await enter(); });
}
function passwordPage() {
  form(t("ui.change_password"), t("ui.first_sign_in"), [["current", "ui.current_password", "password", "current-password"], ["new", "ui.new_password", "password", "new-password"], ["again", "ui.new_password_again", "password", "new-password"]], t("ui.save"),
    async ({ current, new: wanted, again }) => {
      if (wanted !== again) throw new Error(t("error.password_mismatch"));
      state.me = await post("/api/session/password", { current, new: wanted });
      await enter();
    });
}
function form(title, hint, fields, action, act) {
  const fault = h("p", { class: "fault", role: "alert" }), button = h("button", { class: "primary", type: "submit" }, action);
  const inputs = fields.map(([name, label, type, autocomplete]) => h("label", {}, t(label), h("input", { name, type, autocomplete, required: true, maxlength: "128" })));
  const element = h("form", { class: "sign-in", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true; fault.textContent = "";
    try { await act(Object.fromEntries(new FormData(element))); } catch (refused) { fault.textContent = refused.message; button.disabled = false; }
  } }, h("div", { class: "brand" }, h("img", { src: "/static/icon.svg", alt: "" }), h("span", {}, "Gatehouse")), h("h1", {}, title), hint && h("p", { class: "muted" }, hint), inputs, fault, button,
    h("div", { class: "row between" }, h("button", { type: "button", class: "quiet", onclick: () => { switchLanguage(); (state.me?.must_change ? passwordPage : signInPage)(); } }, t("ui.language")), h("button", { type: "button", class: "quiet", onclick: switchTheme }, t("ui.theme"))));
  app.replaceChildren(element);
  element.querySelector("input").focus();
}
async function enter() {
  if (state.me.must_change) { passwordPage(); return; }
  state.site = await get("/api/site");
  startedAt = Date.now();
  await startLive();
  frame();
}
function switchTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}
function show(alarm) { state.selected = alarm.id; state.pinned = true; go("alarms"); }
function go(name) { screen = name; frame(); redrawPopups(show); }

let parts = {};
function frame() {
  document.title = `${named(state.site.name, state.site.id)} · ${t("ui.title")}`;
  parts = { clock: h("time", { class: "clock" }), counts: h("div", { class: "counts" }), office: h("div", { class: "office" }), stale: h("div", { id: "not-live", role: "alert", hidden: true }), fire: h("div", { id: "fire", role: "alert", hidden: true }) };
  const old = document.querySelector("main > *"), fresh = h(`${screen}-screen`);
  if (old?.localName === fresh.localName) fresh.kept = old.keep?.();
  const sound = h("button", { class: "quiet", id: "sound", "aria-pressed": String(soundOn()), onclick: () => { toggleSound(); sound.textContent = t(soundOn() ? "ui.sound_on" : "ui.sound_off"); sound.setAttribute("aria-pressed", String(soundOn())); } }, t(soundOn() ? "ui.sound_on" : "ui.sound_off"));
  app.replaceChildren(parts.stale, parts.fire,
    h("header", { class: "top" },
      h("div", { class: "site" }, h("img", { src: "/static/icon.svg", alt: "" }), h("b", {}, named(state.site.name, state.site.id)), parts.clock),
      parts.counts, parts.office,
      h("div", { class: "tools" }, sound, h("button", { class: "quiet", onclick: switchTheme, title: t("ui.theme"), "aria-label": t("ui.theme") }, "◐"),
        h("button", { class: "quiet", id: "language", onclick: () => { switchLanguage(); frame(); redrawPopups(show); } }, t("ui.language")),
        h("button", { class: "quiet", onclick: help }, "F1"),
        h("button", { class: "quiet", id: "sign-out", onclick: async () => { await ask("DELETE", "/api/session").catch(() => null); signInPage(); } }, t("ui.sign_out")))),
    h("nav", {}, SCREENS.map((name, index) => h("button", { "data-screen": name, "aria-current": name === screen ? "page" : null, onclick: () => go(name) }, h("kbd", {}, String(index + 1)), t(`ui.${name}`))),
      h("div", { class: "who" }, h("span", {}, `${t("ui.post")} ${state.me.post}`), h("b", {}, state.me.user))),
    h("main", {}, fresh));
  tick(); counts(); office(); fire();
}
function tick() {
  if (!state.me || !parts.clock) return;
  parts.clock.textContent = clockTime(new Date().toISOString(), state.site.zone);
  const stale = !isLive() && Date.now() - startedAt > 3000;
  parts.stale.hidden = !stale;
  document.body.classList.toggle("stale", stale);
  if (stale) parts.stale.replaceChildren(h("b", {}, t("ui.not_live")), h("span", {}, t(isConnected() ? "ui.not_live_detail" : "ui.not_live_network")));
}
function counts() {
  if (!parts.counts) return;
  const open = openAlarms();
  parts.counts.replaceChildren(...[1, 2, 3, 4].map((priority) => {
    const n = open.filter((alarm) => alarm.priority === priority).length;
    return h("span", { class: n ? `count some p${priority}` : "count" }, badge(priority, t(`ui.priority_${priority}`)), h("span", {}, t(`ui.priority_${priority}`)), h("b", {}, String(n)));
  }));
}
function office() {
  if (!parts.office) return;
  const sync = isLive() ? state.status.processes?.sync ?? {} : {};
  const how = sync.state === "offline" ? "offline" : sync.office;
  const age = sync.oldest_age_s ? ` · ${t("ui.queue_age", { age: t("ui.ago_s", { n: Math.round(sync.oldest_age_s) }) })}` : "";
  parts.office.replaceChildren(h("span", { class: `lamp ${how ?? "unknown"}` }, `${t("ui.office")} ${t(`ui.${how === "online" ? "online" : how === "offline" ? "offline" : "unknown"}`)}`), h("span", { class: "muted" }, sync.queue !== undefined ? `${t("ui.queue")} ${sync.queue}${age}` : ""));
}
// The last that was heard: not live, a fire is still a fire.
function fire() {
  if (!parts.fire) return;
  const { latched, active } = state.status.fire ?? {};
  parts.fire.hidden = !latched && !active;
  const text = t(active ? "ui.fire_active" : "ui.fire_latched");
  if (parts.fire.hidden || parts.fire.lastChild?.textContent === text) return;
  parts.fire.replaceChildren(h("b", {}, t("ui.fire_banner")), h("span", {}, text));
}
function help() {
  const box = dialog(t("ui.help"), h("div", {}, ["ui.help_keys", "ui.help_open", "ui.help_live"].map((key) => h("p", {}, t(key))), h("button", { onclick: () => box.close() }, t("ui.close"))));
}

addEventListener("keydown", (event) => {
  if (event.key === "F1") { event.preventDefault(); if (state.me && !document.querySelector("dialog")) help(); return; }
  if (!state.me || state.me.must_change || event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog")) return;
  if (event.target.matches?.("input, select, textarea")) { if (event.key === "Escape") event.target.blur(); return; }
  if (/^[1-5]$/.test(event.key)) { go(SCREENS[Number(event.key) - 1]); return; }
  if (document.querySelector("main > *")?.key?.(event.key.length === 1 ? event.key.toLowerCase() : event.key)) event.preventDefault();
  else if (event.key === "Escape") go("alarms");
});
addEventListener("signed-out", () => { if (state.me) signInPage(); });
changes.addEventListener("beat", () => { tick(); office(); });
changes.addEventListener("alarms", counts);
changes.addEventListener("status", () => { office(); fire(); });
startPopups(show);

await loadWords();
try { state.me = await get("/api/session"); await enter(); } catch { signInPage(); }
