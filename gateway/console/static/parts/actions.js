// What a guard does: acknowledge, resolve, open. Every action is sent once under one request id.
import { post, requestId } from "../api.js";
import { openAlarms, state } from "../state.js";
import { named, t } from "../words.js";
import { dialog, h, toast } from "./dom.js";

const REASONS = ["visitor", "delivery", "forgot_card", "emergency_service", "maintenance", "other"];
const OUTCOMES = ["real", "false_alarm", "test", "technical", "other"];
export const mayAct = () => state.me?.role !== "technician";

async function attempt(work, done) {
  try { await work(); if (done) toast(done, "good"); return true; } catch (refused) { toast(refused.message, "bad"); return false; }
}
export function acknowledge(alarm) {
  if (mayAct()) return attempt(() => post(`/api/alarms/${alarm.id}/acknowledge`, { request_id: requestId() }));
}

// Everything that was only to be seen; a P1 is always looked at by itself.
export const mayGoTogether = (alarm) => alarm.state === "open" && !alarm.active && alarm.priority > 1;
export async function acknowledgeNormal() {
  for (const { id } of openAlarms().filter(mayGoTogether)) {
    const alarm = state.alarms.get(id);
    if (alarm && mayGoTogether(alarm) && !await acknowledge(alarm)) return;
  }
}
export function clearFire() {
  const doors = Object.keys(state.site.doors).filter((door) => state.status.doors?.[door]?.fire).map((door) => named(state.site.doors[door], door));
  const request = requestId();
  const yes = h("button", { class: "primary", id: "clear-fire", onclick: async () => {
    yes.disabled = true;
    if (await attempt(() => post("/api/fire/reset", { request_id: request }))) box.close(); else yes.disabled = false;
  } }, t("ui.fire_confirm_yes"));
  const box = dialog(t("ui.fire_confirm"), h("div", {}, h("p", {}, t("ui.fire_confirm_detail", { doors: doors.join(t("ui.and")) || t("ui.all_doors") })),
    h("div", { class: "row end" }, h("button", { class: "quiet", autofocus: true, onclick: () => box.close() }, t("ui.cancel")), yes)));
}

// Chips to choose one of, with a note; `other` wants the note.
function choice(title, codes, area, act) {
  const note = h("input", { type: "text", maxlength: "1000", class: "note", placeholder: t("ui.note_hint"), "aria-label": t("ui.note") });
  const fault = h("p", { class: "fault", role: "alert" });
  const request = requestId();
  const chips = codes.map((code) => h("button", { class: "chip", "data-code": code, onclick: async () => {
    if (code === "other" && !note.value.trim()) { fault.textContent = t("error.note_required"); note.focus(); return; }
    chips.forEach((chip) => { chip.disabled = true; });
    if (await act(code, note.value.trim(), request)) box.close(); else chips.forEach((chip) => { chip.disabled = false; });
  } }, t(`${area}.${code}`)));
  const box = dialog(title, h("div", {}, h("div", { class: "chips" }, chips), note, fault,
    h("div", { class: "row end" }, h("button", { class: "quiet", onclick: () => box.close() }, t("ui.cancel")))));
  return { box, note };
}
export function resolve(alarm, focusNote = false) {
  if (!mayAct()) return;
  const { note } = choice(t("ui.outcome"), OUTCOMES, "outcome", (outcome, text, request_id) =>
    attempt(() => post(`/api/alarms/${alarm.id}/resolve`, { request_id, outcome, note: text })));
  if (focusNote) note.focus();
}
export function openDoor(door) {
  if (!mayAct()) return;
  const name = named(state.site.doors[door], door);
  choice(t("ui.why_open", { door: name }), REASONS, "open_reason", (reason, note, request_id) =>
    attempt(() => post(`/api/doors/${door}/open`, { request_id, reason, note }), t("ui.opened", { door: name })));
}
