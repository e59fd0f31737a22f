// What is known of a door just now: unknown where the page isn't live, or the board that it hangs on is away.
import { isLive, state } from "../state.js";
import { dayMinute, named, t, word } from "../words.js";

export function deviceName(id) {
  const names = state.site.devices[id] ?? state.site.cameras[id];
  if (names) return named(names, id);
  return id.startsWith("broker:") ? t("words.broker", { id: id.slice(7) }) : t("words.device", { id });
}
export const groupName = (group) => group ? named(state.site.door_groups[group]?.name, group) : t("words.all_doors");
export const reasonWord = (reason) => word("reason", reason);

// A board that can't be reached: {device, text}; null while it can, or where nothing is known of it.
export function boardAway(device, key = "ui.board_offline") {
  const how = device && isLive() ? state.status.devices?.[device]?.state : undefined;
  if (how === undefined || how === "online") return null;
  const since = state.lost[device], name = deviceName(device);
  if (how === "unknown") return { device, text: t("ui.board_unheard", { device: name }) };
  return { device, text: since ? t(key, { since: dayMinute(since, state.site.zone), device: name }) : t("ui.board_offline_now", { device: name }) };
}

export function doorNow(door) {
  const now = isLive() ? state.status.doors?.[door] : undefined, recorded = state.doors[door] ?? {};
  const lockBoard = boardAway(state.site.lock_devices[door]), contactBoard = boardAway(state.site.contact_devices[door], "ui.contact_offline");
  const away = [lockBoard, contactBoard?.device !== lockBoard?.device && contactBoard].filter(Boolean);
  return {
    known: Boolean(now), fire: Boolean(now?.fire), mode: now?.mode, away,
    phase: away.length ? "unknown" : now?.phase ?? "unknown",
    contact: contactBoard ? "unknown" : now?.contact ?? "unknown",
    lock: lockBoard ? "unknown" : now?.lock ?? "unknown",
    noContact: now?.contact === "none" || now?.contact === "fault",
    override: recorded.override ?? null, lockdowns: recorded.lockdowns ?? {}, lockOpens: recorded.lock_opens ?? {},
  };
}

// Why a door can't be opened just now, in words; "" if it can.
export function whyNoOpen(door) {
  if (boardAway(state.site.lock_devices[door])) return t("ui.cant_open_offline");
  const mode = state.status.doors?.[door]?.mode;
  return mode === "Blocked" || mode === "LockedDown" ? t(`refusal.Door${mode}`) : "";
}
