// Door modes: a guard's setting, lockdown and its release by two people, the life-safety release.
import { state } from "../state.js";
import { joined, named, t } from "../words.js";
import { mayAct } from "./acts.js";
import { askDialog, fieldPart, onePart, reasonPart, untilPart } from "./ask.js";
import { h } from "./dom.js";
import { groupName } from "./door-facts.js";

const MODE_REASONS = ["moving", "event", "repair", "delivery", "drill"];
const DANGER = ["intruder", "violence", "police", "drill"];
const RESCUE = ["rescue", "fire_nearby", "crowd", "drill"];
const OVER = ["over", "drill"];

export function setMode(door) {
  if (!mayAct()) return;
  const modes = ["Locked", "Unlocked", "Blocked"].map((mode) => [mode, t(`mode.${mode}`)]);
  const back = state.doors[door]?.override && h("button", { type: "button", id: "give-back", onclick: () => { box.close(); giveBack(door); } }, t("ui.give_back"));
  const box = askDialog({
    title: t("ui.set_mode_of", { door: named(state.site.doors[door], door) }),
    parts: [onePart("mode", t("ui.mode"), modes), untilPart(), reasonPart(MODE_REASONS)],
    yes: t("ui.set"), send: (send, values) => send(`/api/doors/${door}/mode`, values),
  });
  if (back) box.querySelector(".row.end").prepend(back);
}
function giveBack(door) {
  askDialog({
    title: `${t("ui.give_back")} · ${named(state.site.doors[door], door)}`, parts: [reasonPart(["repair_done", "event_over", "drill"])],
    yes: t("ui.give_back"), send: (send, { reason }) => send(`/api/doors/${door}/mode`, { mode: null, reason }),
  });
}

const every = () => [null, ...Object.keys(state.site.door_groups)];
// The groups that a layer holds now; the release of all doors ends whatever holds them.
function held(layer) {
  const groups = new Set(Object.values(state.doors).flatMap((door) => Object.keys(door[layer])));
  return groups.size === 1 && !groups.has("") ? [...groups, null] : [null, ...[...groups].filter(Boolean)];
}
function ofGroup(key, path, groups, codes, { title = t(`ui.${key}_title`), yes = t(`ui.${key}_yes`), danger = false, extra = [], body = (values) => values } = {}) {
  if (!mayAct()) return;
  const options = groups.map((group) => [group, groupName(group)]);
  askDialog({
    title, parts: [onePart("group", t("ui.which_doors"), options, groups[0]), reasonPart(codes), ...extra],
    yes, danger, send: (send, values) => send(path, body(values)),
  });
}
export const lockDown = () => ofGroup("lockdown", "/api/lockdown", every(), DANGER, { danger: true });
export const lockOpen = () => ofGroup("lock_open", "/api/lock-open", every(), RESCUE, { danger: true });
export function releaseLockOpen() {
  const burning = Object.keys(state.doors).filter((door) => Object.keys(state.doors[door].lock_opens).length && state.status.doors?.[door]?.fire);
  const doors = joined(burning.map((door) => named(state.site.doors[door], door)));
  ofGroup("lock_open_release", "/api/lock-open/release", held("lock_opens"), OVER,
    burning.length ? { title: t("ui.lock_open_release_title_fire", { doors }), yes: t("ui.lock_open_release_yes_fire") } : {});
}
// A supervisor says yes alone, everybody else with a second person.
// A list that waits, with the reasons that it waits for: the others are of nobody.
export function heldList(held) {
  const reasons = ["removed", "granted", "all_doors", "unlocked"].filter((reason) => held[reason] > 0);
  return t("ui.list_held", { version: held.version, reasons: joined(reasons.map((reason) => t(`ui.held_${reason}`, held))) });
}
export function confirmList(held) {
  const second = state.me.role === "supervisor" ? [] : [fieldPart("user", t("ui.second_person"), "text"), fieldPart("password", t("ui.second_password"), "password")];
  askDialog({ title: t("ui.confirm_list_title", held), text: heldList(held), parts: [reasonPart([]), ...second], yes: t("ui.confirm_list"), danger: true,
    send: (send, { reason, user, password }) => send(`/api/lists/${held.version}/confirm`, second.length ? { reason, second: { user, password } } : { reason }) });
}
export const releaseLockdown = () => ofGroup("lockdown_release", "/api/lockdown/release", held("lockdowns"), OVER, {
  extra: [fieldPart("user", t("ui.second_person"), "text", t("error.second_required")), fieldPart("password", t("ui.second_password"), "password", t("error.second_required"))],
  body: ({ group, reason, user, password }) => ({ group, reason, second: { user, password } }),
});
