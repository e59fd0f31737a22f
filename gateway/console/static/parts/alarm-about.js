// Whom or what an alarm is about, as the record has it: the events that raised it, or a patrol's rounds point by point.
import { get } from "../api.js";
import { state } from "../state.js";
import { dateTime, dayMinute, said, t, word } from "../words.js";
import { mayAct } from "./acts.js";
import { h } from "./dom.js";

const TOLD = new Set(["duress", "risk", "impossible_travel", "antipassback", "wrong_attempts", "tour", "list_rejected", "list_waiting", "history_forked", "fire_input_fault", "input_fault", "contact_fault", "rex_fault"]);
// Kinds of which the name and the events don't say what it may mean, and whom to call.
const EXPLAINED = new Set(["history_forked"]);
const AS_PLANNED = new Set(["on_time", "pending"]);

// Fills `place`; what stood there stays until the answer is here, and where none comes.
export async function tellAbout(alarm, place) {
  if (!TOLD.has(alarm.kind)) return;
  const meaning = EXPLAINED.has(alarm.kind) ? [h("p", {}, t(`ui.about_${alarm.kind}`))] : [];
  if (!place.childElementCount) place.replaceChildren(...meaning);
  const found = await get(`/api/alarms/${encodeURIComponent(alarm.id)}`).catch(() => null);
  if (!found) return;
  const told = found.rounds.length ? found.rounds.map(round) : found.happened.map(event);
  if (!told.length) return;
  place.replaceChildren(...meaning, h("h3", {}, t("ui.happened")), ...told,
    found.rounds.length && mayAct() ? h("button", { class: "quiet", id: "show-patrol", onclick: () => dispatchEvent(new CustomEvent("show-screen", { detail: "patrol" })) }, t("ui.show_patrol")) : "");
}
function event(each) {
  return h("button", { class: "event", "data-event": each.id, onclick: () => dispatchEvent(new CustomEvent("show-event", { detail: each.id })) },
    h("time", {}, dateTime(each.at, state.site.zone)), h("span", { class: "mark" }, "→"), h("span", {}, said(each.text)));
}
function round(each) {
  const points = each.points.filter((point) => !AS_PLANNED.has(point.state));
  return h("section", { class: "about-round", "data-round": each.round },
    h("p", {}, h("b", {}, said(each.name)), ` · ${begun(each)} · ${word("round", each.state)} · ${each.card ? t("ui.walked_by", { card: said(each.card) }) : t("ui.nobody_walks")}`),
    each.state !== "missed" && points.length > 0 && h("ul", { class: "lines" }, points.map((point) => h("li", {}, h("b", {}, said(point.name)), h("span", { class: "muted" }, point.at ? dayMinute(point.at, state.site.zone) : ""), h("span", {}, word("point", point.state))))));
}
export function begun(each) {
  const time = dayMinute(each.due_at ?? each.started_at, state.site.zone);
  return each.because === "guard" ? t("ui.round_by_guard", { time, actor: each.actor }) : t(`ui.round_by_${each.because}`, { time });
}
