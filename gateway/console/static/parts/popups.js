// P1 and P2 come forward in a strip below the screen, where they cover nothing; they never take the focus.
import { changes, state } from "../state.js";
import { elapsed, language, said, t, word } from "../words.js";
import { acknowledge, mayAct, openDoor } from "./actions.js";
import { badge, h } from "./dom.js";

const shown = new Map();  // alarm id -> its state when it called
let minimised = false;

export function startPopups(show) {
  changes.addEventListener("called", (event) => {
    for (const alarm of event.detail) if (alarm.priority <= 2) { shown.set(alarm.id, alarm.state); minimised = minimised && alarm.priority > 1; }
    draw(show);
  });
  changes.addEventListener("alarms", () => draw(show));
}
export function redrawPopups(show) { draw(show); }

// One that was acknowledged before it called again is waiting until somebody has seen it.
const waits = (alarm) => alarm && (alarm.state === "open" || alarm.state === "acknowledged" && shown.get(alarm.id) === "acknowledged");
function draw(show) {
  const place = document.getElementById("popups"), onAlarms = document.querySelector("alarms-screen");
  for (const id of shown.keys()) if (!waits(state.alarms.get(id))) shown.delete(id);
  // What the pane of the alarm screen shows already needs no popup.
  if (onAlarms && shown.get(state.selected) === "acknowledged") shown.delete(state.selected);
  const rest = [...shown.keys()].map((id) => state.alarms.get(id)).filter((alarm) => !(onAlarms && alarm.id === state.selected))
    .sort((a, b) => a.priority - b.priority || b.last_row - a.last_row);
  if (!rest.length || !state.me) { place.replaceChildren(); return; }
  if (minimised || onAlarms) {
    place.replaceChildren(h("button", { class: `popups-small p${rest[0].priority}`, onclick: () => { if (onAlarms) show(rest[0]); else { minimised = false; draw(show); } } },
      badge(rest[0].priority, ""), `${t("ui.new_alarms")} ${rest.length}`));
    return;
  }
  // The same alarm keeps its element: a button under the finger or in focus must not be replaced.
  const wanted = rest.slice(0, 2).map((alarm) => popup(alarm, show));
  const all = [...wanted, place.querySelector(".minimise") ?? h("button", { class: "quiet minimise", onclick: () => { minimised = true; draw(show); } })];
  all.at(-1).textContent = t("ui.minimise") + (rest.length > 2 ? ` (+${rest.length - 2})` : "");
  if (all.length !== place.children.length || all.some((element, index) => element !== place.children[index])) place.replaceChildren(...all);
}

const elements = new Map();
function popup(alarm, show) {
  const key = `${alarm.id}/${alarm.last_row}/${alarm.state}/${language}`;
  for (const known of elements.keys()) if (!shown.has(known.split("/")[0])) elements.delete(known);
  const again = alarm.count > 1 ? `${t("ui.again")} · ${t("ui.times", { count: alarm.count })} · ` : "";
  if (!elements.has(key)) elements.set(key, h("article", { class: `popup p${alarm.priority}` },
    badge(alarm.priority, ""),
    h("div", {}, h("b", {}, word("alarm", alarm.kind)), h("span", {}, `${said(alarm.place)} · ${again}`, h("span", { "data-since": alarm.last_at }, elapsed(alarm.last_at)))),
    h("div", { class: "row" },
      alarm.state === "acknowledged" ? h("button", { class: "primary", onclick: () => { shown.delete(alarm.id); draw(show); } }, t("ui.seen"))
        : mayAct() && h("button", { class: "primary", onclick: () => acknowledge(alarm) }, t("ui.acknowledge")),
      mayAct() && alarm.door && h("button", { onclick: () => openDoor(alarm.door) }, t("ui.open_door")),
      h("button", { onclick: () => show(alarm) }, t("ui.show")))));
  return elements.get(key);
}
setInterval(() => { for (const age of document.querySelectorAll("#popups [data-since]")) age.textContent = elapsed(age.dataset.since); }, 1000);
