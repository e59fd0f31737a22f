import { acknowledge, acknowledgeNormal, clearFire, mayAct, mayGoTogether, openDoor, resolve, whyNoFireReset } from "../parts/actions.js";
import { act, settleActs } from "../parts/acts.js";
import { confirmList, heldList } from "../parts/mode-actions.js";
import { tellAbout } from "../parts/alarm-about.js";
import { badge, h } from "../parts/dom.js";
import { whyNoOpen } from "../parts/door-facts.js";
import { cameraOf, firstToSee, media, named as evidenceName, newestFirst, noClip } from "../parts/evidence.js";
import { changes, endedAlarms, isLive, loudAlarms, officeNow, openAlarms, state } from "../state.js";
import { dateTime, dayTime, elapsed, named, said, t, word } from "../words.js";

const refused = (alarm) => alarm.kind === "office_lost" && alarm.active ? officeNow().refusal : "";
// What the status adds to alarms: it may follow them, and change while they stay.
const added = () => `${state.status.list_held?.version ?? ""}/${officeNow().refusal ?? ""}`;
const held = (alarm) => alarm.kind === "list_waiting" && alarm.active && state.status.list_held;

class AlarmsScreen extends HTMLElement {
  connectedCallback() {
    this.list = h("section", { class: "list", "aria-label": t("ui.alarms") });
    this.pane = h("section", { class: "pane" });
    this.replaceChildren(this.list, this.pane);
    this.signal = new AbortController();
    changes.addEventListener("alarms", () => this.draw(), this.signal);
    changes.addEventListener("status", () => { this.sayWhyNot(); if (this.added !== added()) this.draw(); }, this.signal);
    this.timer = setInterval(() => this.tick(), 1000);
    this.draw();
  }
  disconnectedCallback() { this.signal.abort(); clearInterval(this.timer); }
  tick() {
    for (const age of this.querySelectorAll("[data-since]")) age.textContent = elapsed(age.dataset.since);
    const alarm = state.alarms.get(state.selected), missing = this.pane.querySelector(".no-clip");
    if (alarm && missing) missing.textContent = noClip(alarm);
    this.sayWhyNot();
  }
  draw() {
    this.added = added();
    const open = openAlarms(), ended = endedAlarms().slice(0, 30);
    // Until somebody chooses, the most urgent alarm is shown.
    if (!state.alarms.has(state.selected)) state.pinned = false;
    if (!state.pinned) state.selected = loudAlarms()[0]?.id ?? null;
    this.classList.toggle("chosen", state.pinned);
    const scroll = this.list.scrollTop, focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.alarm : null;
    const together = mayAct() ? loudAlarms().filter(mayGoTogether).length : 0;
    this.list.replaceChildren(
      together ? act({ class: "together", id: "acknowledge-normal", onclick: (event) => { event.currentTarget.disabled = true; acknowledgeNormal().finally(() => this.draw()); } }, t("ui.acknowledge_normal", { count: together })) : "",
      ...(open.length ? open.slice(0, 300).map((alarm) => this.line(alarm)) : [h("div", { class: "empty" }, h("b", {}, t("ui.all_quiet")), t("ui.no_alarms"))]),
      ended.length ? h("h3", {}, t("ui.ended_alarms")) : "", ...ended.map((alarm) => this.line(alarm)));
    this.list.scrollTop = scroll;
    if (focused) this.list.querySelector(`[data-alarm="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    this.detail(state.alarms.get(state.selected));
  }
  line(alarm) {
    return h("button", { class: `line p${alarm.priority} ${alarm.state} ${alarm.quiet ? "hushed" : ""}`, "data-alarm": alarm.id, "aria-current": alarm.id === state.selected ? "true" : null,
      onclick: () => { state.selected = alarm.id; state.pinned = true; this.draw(); } },
      badge(alarm.priority, t(`ui.priority_${alarm.priority}`)),
      h("span", { class: "what" }, h("b", {}, word("alarm", alarm.kind)),
        held(alarm) ? h("span", { class: "held" }, heldList(held(alarm))) : "",
        refused(alarm) ? h("span", { class: "held" }, t("ui.office_refuses")) : "",
        h("span", {}, said(alarm.place), alarm.count > 1 ? ` · ${t("ui.times", { count: alarm.count })}` : ""),
        alarm.state !== "resolved" && !alarm.active && h("span", { class: "normal" }, t("ui.normal"))),
      h("span", { class: "when" }, alarm.state === "resolved" ? dayTime(alarm.resolved_at, state.site.zone) : h("b", { "data-since": alarm.last_at }, elapsed(alarm.last_at)),
        h("span", {}, alarm.state === "resolved" ? word("outcome", alarm.outcome) : t(`ui.state_${alarm.state}`))));
  }
  facts(alarm) {
    const zone = state.site.zone;
    return [
      alarm.count > 1 && [t("ui.times", { count: alarm.count }), t("ui.last", { time: dayTime(alarm.last_at, zone) }), t("ui.raised", { time: dayTime(alarm.raised_at, zone) })].join(" · "),
      alarm.state !== "resolved" && (alarm.active ? t("ui.active") : t("ui.normal")),
      alarm.acknowledged_by ? t("ui.acknowledged_by", { user: alarm.acknowledged_by }) : alarm.state === "open" && t("ui.unacknowledged"),
      alarm.resolved_by && `${t("ui.resolved_by", { user: alarm.resolved_by })}: ${word("outcome", alarm.outcome)}`,
      held(alarm) && heldList(held(alarm)),
      refused(alarm) && word("office_refusal", refused(alarm)),
      alarm.note, alarm.quiet && t("ui.quiet_alarm"),
    ].filter(Boolean).join(" · ");
  }
  buttons(alarm) {
    if (alarm.state === "resolved" || !mayAct()) return "";
    return h("div", { class: "row" },
      alarm.state === "open" && act({ class: "primary", id: "acknowledge", onclick: () => acknowledge(alarm) }, [t("ui.acknowledge"), h("kbd", {}, "A")]),
      act({ id: "resolve", onclick: () => resolve(alarm) }, [t("ui.resolve"), h("kbd", {}, "N")]),
      alarm.door && act({ id: "open-door", onclick: () => openDoor(alarm.door) }, [t("ui.open_door"), h("kbd", {}, "D")], () => whyNoOpen(alarm.door)),
      alarm.kind === "fire" && alarm.active && act({ id: "alarm-fire-reset", onclick: clearFire }, t("ui.fire_reset"), whyNoFireReset),
      held(alarm) ? act({ id: "confirm-list", onclick: () => confirmList(held(alarm)) }, t("ui.confirm_list")) : "",
      h("p", { class: "why-not muted" }));
  }
  // A button that can't be pressed says why, also to a finger.
  sayWhyNot() {
    settleActs();
    const place = this.pane.querySelector(".why-not"), alarm = state.alarms.get(state.selected);
    if (!place || !alarm) return;
    const reasons = [isLive() ? "" : t("ui.not_live_button"), alarm.door && isLive() ? whyNoOpen(alarm.door) : "", alarm.kind === "fire" && alarm.active ? whyNoFireReset() : ""];
    place.textContent = reasons.filter(Boolean).join(" · ");
  }
  detail(alarm) {
    const key = alarm ? `${alarm.id}/${alarm.row}/${document.documentElement.lang}/${this.added}` : "";
    if (key && key === this.drawn) return;
    // A new row of the same alarm must not restart a picture that is running.
    const running = alarm && this.drawn?.startsWith(`${alarm.id}/`) ? this.pane.querySelector("live-picture") : null;
    this.about = alarm && this.drawn?.startsWith(`${alarm.id}/`) ? this.about : h("div", { class: "about" });
    this.drawn = key;
    if (!alarm) { this.pane.replaceChildren(h("div", { class: "empty" }, openAlarms().length ? t("ui.select_alarm") : "")); return; }
    const camera = cameraOf(alarm), occurrence = `${alarm.id}/${alarm.last_row}`;
    if (occurrence !== this.occurrence) { this.occurrence = occurrence; this.chosen = null; }
    // A clip that somebody watches stays; a new one comes first for who is only looking on.
    const evidence = newestFirst(alarm), playing = [...this.pane.querySelectorAll("video")].find((video) => !video.paused);
    const chosen = evidence.find((item) => item.event_id === (playing?.dataset.evidence ?? this.chosen)) ?? firstToSee(alarm);
    const missing = noClip(alarm), at = dateTime(alarm.last_at, state.site.zone);
    const poster = chosen && evidence.find((item) => item.kind === "snapshot" && item.shows.some((when) => chosen.shows.includes(when)));
    this.pane.replaceChildren(
      h("button", { class: "quiet back", onclick: () => { state.pinned = false; this.draw(); } }, `← ${t("ui.back")}`),
      h("header", {}, badge(alarm.priority, ""), h("div", {}, h("h2", {}, word("alarm", alarm.kind)), h("p", {}, `${said(alarm.place)} · ${at}`))),
      h("p", { class: "facts" }, this.facts(alarm)), this.buttons(alarm), this.about,
      missing ? h("p", { class: "no-clip muted" }, missing) : "",
      h("div", { class: "pictures" },
        chosen ? h("figure", { class: "evidence" }, h("figcaption", {}, evidenceName(chosen)), this.shown(chosen, poster)) : "",
        camera ? h("figure", {}, h("figcaption", {}, `${t("ui.live_picture")} · ${named(state.site.cameras[camera], camera)}`, h("span", { class: "live-mark" }, t("ui.live"))), running ?? h("live-picture", { camera })) : ""),
      camera || chosen || !alarm.door ? "" : h("p", { class: "muted" }, t("ui.no_camera")),
      evidence.length > 1 || evidence.length && !chosen ? h("div", { class: "row earlier" }, evidence.map((item) => h("button", { "aria-pressed": String(item === chosen), onclick: () => this.choose(item, alarm) }, evidenceName(item)))) : "");
    tellAbout(alarm, this.about);
    this.sayWhyNot();
  }
  choose(item, alarm) {
    this.chosen = item.event_id;
    this.pane.querySelector("video")?.pause();
    this.drawn += " ";
    this.detail(alarm);
  }
  shown(item, poster) {
    return this.pane.querySelector(`[data-evidence="${CSS.escape(item.event_id)}"]`)?.closest(".media") ?? media(item, item.kind === "clip" && poster);
  }
  move(step) {
    const ids = [...this.list.querySelectorAll("[data-alarm]")].map((line) => line.dataset.alarm);
    state.selected = ids[Math.min(ids.length - 1, Math.max(0, ids.indexOf(state.selected) + step))] ?? null;
    state.pinned = true;
    this.draw();
    this.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }
  key(name) {
    const alarm = state.alarms.get(state.selected);
    if (name === "ArrowDown" || name === "ArrowUp") { this.move(name === "ArrowDown" ? 1 : -1); return true; }
    if (!alarm || alarm.state === "resolved" || !isLive()) return false;
    if (name === "a" && alarm.state === "open") { acknowledge(alarm); return true; }
    if (name === "n") { resolve(alarm, true); return true; }
    if (name === "d" && alarm.door && !whyNoOpen(alarm.door)) { openDoor(alarm.door); return true; }
    return false;
  }
}
customElements.define("alarms-screen", AlarmsScreen);
