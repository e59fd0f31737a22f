// P1 and P2 come forward in a strip below the screen, where they cover nothing; they never take the focus.
// The worst stands first: by priority, then what is still there before what is back to normal, then the newest.
import { changes, state } from "../state.js";
import { elapsed, language, said, t, word } from "../words.js";
import { acknowledge, mayAct, openDoor } from "./actions.js";
import { act } from "./acts.js";
import { arrange, badge, h } from "./dom.js";
import { whyNoOpen } from "./door-facts.js";

const shown = new Map();  // alarm id -> its state when it called
const inOrder = (a, b) => a.priority - b.priority || b.active - a.active || b.last_row - a.last_row;
// A finger that is on its way to a button when another alarm takes its place would press the other's.
const SETTLES_MS = 400;
let minimised = false, movedAt = -SETTLES_MS;

export function startPopups(show) {
  changes.addEventListener("called", (event) => {
    for (const alarm of event.detail) if (alarm.priority <= 2) { shown.set(alarm.id, alarm.state); minimised = minimised && alarm.priority > 1; }
    draw(show);
  });
  changes.addEventListener("alarms", () => draw(show));
  addEventListener("resize", () => draw(show));
  // A key's click has no detail: it goes where the focus is, which moves with its alarm.
  document.getElementById("popups").addEventListener("click", (event) => { if (event.detail && performance.now() - movedAt < SETTLES_MS) event.stopPropagation(); }, true);
}
export function redrawPopups(show) { draw(show); }

// One that was acknowledged before it called again is waiting until somebody has seen it.
const waits = (alarm) => alarm && (alarm.state === "open" || alarm.state === "acknowledged" && shown.get(alarm.id) === "acknowledged");
// As many as fit beside each other: a phone has room for one.
const places = () => innerWidth <= 640 ? 1 : Math.max(1, Math.min(3, Math.floor((innerWidth - 160) / 400)));
function draw(show) {
  const place = document.getElementById("popups"), onAlarms = document.querySelector("alarms-screen");
  for (const id of shown.keys()) if (!waits(state.alarms.get(id))) shown.delete(id);
  // What the pane of the alarm screen shows already needs no popup.
  if (onAlarms && shown.get(state.selected) === "acknowledged") shown.delete(state.selected);
  const rest = [...shown.keys()].map((id) => state.alarms.get(id)).filter((alarm) => !(onAlarms && alarm.id === state.selected)).sort(inOrder);
  if (!rest.length || !state.me) { place.replaceChildren(); return; }
  if (minimised || onAlarms) {
    const worst = rest[0];
    place.replaceChildren(h("button", { class: `popups-small p${worst.priority}`, onclick: () => { if (onAlarms) show(worst); else { minimised = false; draw(show); } } },
      badge(worst.priority, ""), `${t("ui.new_alarms")} ${rest.length}`));
    return;
  }
  const fit = rest.slice(0, places()), minimise = place.querySelector(".minimise") ?? h("button", { class: "quiet minimise", onclick: () => { minimised = true; draw(show); } });
  minimise.textContent = t("ui.minimise") + (rest.length > fit.length ? ` (+${rest.length - fit.length})` : "");
  const stood = [...place.querySelectorAll(".popup")];
  arrange(place, [...fit.map((alarm) => popup(alarm, show)), minimise]);
  if (stood.some((element, index) => place.children[index] !== element)) movedAt = performance.now();
}

// An alarm keeps its element while its buttons stay the same: one under the finger or in focus must not be replaced.
const elements = new Map();
function popup(alarm, show) {
  const key = `${alarm.id}/${alarm.state}/${language}`;
  for (const known of elements.keys()) if (!shown.has(known.split("/")[0])) elements.delete(known);
  if (!elements.has(key)) elements.set(key, h("article", { class: `popup p${alarm.priority}`, "data-popup": alarm.id },
    badge(alarm.priority, ""), h("div", { class: "told" }),
    h("div", { class: "row" },
      alarm.state === "acknowledged" ? h("button", { class: "primary", onclick: () => { shown.delete(alarm.id); draw(show); } }, t("ui.seen"))
        : mayAct() && act({ class: "primary", onclick: () => acknowledge(alarm) }, t("ui.acknowledge")),
      mayAct() && alarm.door && act({ onclick: () => openDoor(alarm.door) }, t("ui.open_door"), () => whyNoOpen(alarm.door)),
      h("button", { onclick: () => show(alarm) }, t("ui.show")))));
  const again = alarm.count > 1 ? `${t("ui.again")} · ${t("ui.times", { count: alarm.count })} · ` : "";
  elements.get(key).querySelector(".told").replaceChildren(h("b", {}, word("alarm", alarm.kind)),
    h("span", {}, `${said(alarm.place)} · ${again}`, h("span", { "data-since": alarm.last_at }, elapsed(alarm.last_at)), !alarm.active && h("span", { class: "normal" }, ` · ${t("ui.normal")}`)));
  return elements.get(key);
}
setInterval(() => { for (const age of document.querySelectorAll("#popups [data-since]")) age.textContent = elapsed(age.dataset.since); }, 1000);
