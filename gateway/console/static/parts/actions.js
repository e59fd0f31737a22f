// What a guard does with alarms and doors: acknowledge, resolve, open, clear a fire. Each is sent once.
import { loudAlarms, state } from "../state.js";
import { joined, named, t } from "../words.js";
import { mayAct } from "./acts.js";
import { sender } from "./ask.js";
import { dialog, h, toast } from "./dom.js";

export { mayAct } from "./acts.js";

const REASONS = ["visitor", "delivery", "forgot_card", "emergency_service", "maintenance", "other"];
const OUTCOMES = ["real", "false_alarm", "test", "technical", "other"];

export async function acknowledge(alarm) {
  if (!mayAct()) return false;
  // Who has seen an alarm goes on looking at it, wherever the list puts it now.
  if (state.selected === alarm.id) state.pinned = true;
  try { await sender()(`/api/alarms/${alarm.id}/acknowledge`); return true; } catch (refused) { toast(refused.message, "bad"); return false; }
}

const sirens = async (path) => { try { await sender()(path); } catch (refused) { toast(refused.message, "bad"); } };
export const testSiren = (id) => sirens(`/api/sirens/${id}/test`);
export const silenceSirens = () => sirens("/api/sirens/silence");

// Everything that was only to be seen; a P1 is always looked at by itself.
export const mayGoTogether = (alarm) => alarm.state === "open" && !alarm.active && alarm.priority > 1;
export async function acknowledgeNormal() {
  for (const { id } of loudAlarms().filter(mayGoTogether)) {
    const alarm = state.alarms.get(id);
    if (alarm && mayGoTogether(alarm) && !await acknowledge(alarm)) return;
  }
}

// Why the fire release can't be cleared just now, in words; "" if it can.
export function whyNoFireReset() {
  const { latched, active } = state.status.fire ?? {};
  if (active) return t("ui.fire_reset_active");
  if (!latched) return t("ui.fire_reset_none");
  return state.me.role === "supervisor" ? "" : t("ui.fire_reset_supervisor");
}
// What else keeps a door open goes on doing so.
const onlyFireFrees = (now) => now?.fire && !now.lock_open && now.override?.mode !== "Unlocked";
export function clearFire() {
  const doors = Object.keys(state.site.doors).filter((door) => onlyFireFrees(state.status.doors?.[door])).map((door) => named(state.site.doors[door], door));
  const fault = h("p", { class: "fault", role: "alert" }), sending = sender();
  const yes = h("button", { class: "primary", id: "clear-fire", onclick: async () => {
    yes.disabled = true;
    fault.textContent = "";
    try { await sending("/api/fire/reset"); box.close(); } catch (refused) { fault.textContent = refused.message; yes.disabled = false; }
  } }, t("ui.fire_confirm_yes"));
  const box = dialog(t("ui.fire_confirm"), h("div", {}, h("p", {}, t("ui.fire_confirm_detail", { doors: joined(doors) || t("ui.all_doors") })), fault,
    h("div", { class: "row end" }, h("button", { class: "quiet", autofocus: true, onclick: () => box.close() }, t("ui.cancel")), yes)));
}

// Chips to choose one of, with a note; `other` wants the note. What the server answers is said inside.
function choice(title, codes, area, send) {
  const note = h("input", { type: "text", maxlength: "1000", class: "note", placeholder: t("ui.note_hint"), "aria-label": t("ui.note") });
  const fault = h("p", { class: "fault", role: "alert" }), sending = sender();
  const chips = codes.map((code) => h("button", { class: "chip", "data-code": code, onclick: async () => {
    fault.textContent = "";
    if (code === "other" && !note.value.trim()) { fault.textContent = t("error.note_required"); note.focus(); return; }
    chips.forEach((chip) => { chip.disabled = true; });
    try { await send(sending, code, note.value.trim()); box.close(); } catch (refused) {
      fault.textContent = refused.message;
      chips.forEach((chip) => { chip.disabled = false; });
    }
  } }, t(`${area}.${code}`)));
  const box = dialog(title, h("div", {}, h("div", { class: "chips" }, chips), note, fault,
    h("div", { class: "row end" }, h("button", { class: "quiet", onclick: () => box.close() }, t("ui.cancel")))));
  return note;
}
export function resolve(alarm, focusNote = false) {
  if (!mayAct()) return;
  if (state.selected === alarm.id) state.pinned = true;
  const note = choice(t("ui.outcome"), OUTCOMES, "outcome", (send, outcome, text) => send(`/api/alarms/${alarm.id}/resolve`, { outcome, note: text }));
  if (focusNote) note.focus();
}
export function openDoor(door) {
  if (!mayAct()) return;
  const name = named(state.site.doors[door], door);
  choice(t("ui.why_open", { door: name }), REASONS, "open_reason", async (send, reason, note) => {
    await send(`/api/doors/${door}/open`, { reason, note });
    toast(t("ui.opened", { door: name }), "good");
  });
}
