import { acknowledge, acknowledgeNormal, mayAct, mayGoTogether, openDoor, resolve } from "../parts/actions.js";
import { badge, h } from "../parts/dom.js";
import { changes, endedAlarms, openAlarms, state } from "../state.js";
import { clockTime, dayTime, elapsed, named, said, t, word } from "../words.js";

class AlarmsScreen extends HTMLElement {
  connectedCallback() {
    this.list = h("section", { class: "list", "aria-label": t("ui.alarms") });
    this.pane = h("section", { class: "pane" });
    this.replaceChildren(this.list, this.pane);
    this.signal = new AbortController();
    changes.addEventListener("alarms", () => this.draw(), this.signal);
    this.timer = setInterval(() => this.tick(), 1000);
    this.draw();
  }
  disconnectedCallback() { this.signal.abort(); clearInterval(this.timer); }
  tick() { for (const age of this.querySelectorAll("[data-since]")) age.textContent = elapsed(age.dataset.since); }
  draw() {
    const open = openAlarms(), ended = endedAlarms().slice(0, 30);
    // Until somebody chooses, the most urgent alarm is shown.
    if (!state.alarms.has(state.selected)) state.pinned = false;
    if (!state.pinned) state.selected = open[0]?.id ?? null;
    const scroll = this.list.scrollTop, focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.alarm : null;
    const together = mayAct() ? open.filter(mayGoTogether).length : 0;
    this.list.replaceChildren(
      together ? h("button", { class: "together", id: "acknowledge-normal", onclick: (event) => { event.target.disabled = true; acknowledgeNormal().finally(() => this.draw()); } }, t("ui.acknowledge_normal", { count: together })) : "",
      ...(open.length ? open.slice(0, 300).map((alarm) => this.line(alarm)) : [h("div", { class: "empty" }, h("b", {}, t("ui.all_quiet")), t("ui.no_alarms"))]),
      ended.length ? h("h3", {}, t("ui.ended_alarms")) : "", ...ended.map((alarm) => this.line(alarm)));
    this.list.scrollTop = scroll;
    if (focused) this.list.querySelector(`[data-alarm="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    this.detail(state.alarms.get(state.selected));
  }
  line(alarm) {
    return h("button", { class: `line p${alarm.priority} ${alarm.state}`, "data-alarm": alarm.id, "aria-current": alarm.id === state.selected ? "true" : null,
      onclick: () => { state.selected = alarm.id; state.pinned = true; this.draw(); } },
      badge(alarm.priority, t(`ui.priority_${alarm.priority}`)),
      h("span", { class: "what" }, h("b", {}, word("alarm", alarm.kind)),
        h("span", {}, said(alarm.place), alarm.count > 1 ? ` · ${t("ui.times", { count: alarm.count })}` : ""),
        alarm.state !== "resolved" && !alarm.active && h("span", { class: "normal" }, t("ui.normal"))),
      h("span", { class: "when" }, alarm.state === "resolved" ? clockTime(alarm.resolved_at, state.site.zone) : h("b", { "data-since": alarm.last_at }, elapsed(alarm.last_at)),
        h("span", {}, alarm.state === "resolved" ? word("outcome", alarm.outcome) : t(`ui.state_${alarm.state}`))));
  }
  detail(alarm) {
    const key = alarm ? `${alarm.id}/${alarm.row}/${document.documentElement.lang}` : "";
    if (key && key === this.drawn) return;
    // A new row of the same alarm must not restart a picture that is running.
    const running = alarm && this.drawn?.startsWith(`${alarm.id}/`) ? this.pane.querySelector("live-picture") : null;
    this.drawn = key;
    if (!alarm) { this.pane.replaceChildren(h("div", { class: "empty" }, openAlarms().length ? t("ui.select_alarm") : "")); return; }
    const camera = alarm.camera ?? Object.entries(state.site.camera_doors).find(([, doors]) => doors.includes(alarm.door))?.[0];
    const occurrence = `${alarm.id}/${alarm.last_row}`;
    if (occurrence !== this.occurrence) { this.occurrence = occurrence; this.chosen = null; }
    // A clip that somebody watches stays; a new one comes first for who is only looking on.
    const evidence = [...alarm.evidence].reverse(), playing = [...this.pane.querySelectorAll("video")].find((video) => !video.paused);
    const chosen = evidence.find((item) => item.event_id === (playing?.dataset.evidence ?? this.chosen)) ?? evidence.find((item) => item.kind === "clip") ?? evidence[0];
    const facts = [
      alarm.count > 1 && [t("ui.times", { count: alarm.count }), t("ui.last", { time: dayTime(alarm.last_at, state.site.zone) }), t("ui.raised", { time: dayTime(alarm.raised_at, state.site.zone) })].join(" · "),
      alarm.state !== "resolved" && (alarm.active ? t("ui.active") : t("ui.normal")),
      alarm.acknowledged_by ? t("ui.acknowledged_by", { user: alarm.acknowledged_by }) : alarm.state === "open" && t("ui.unacknowledged"),
      alarm.resolved_by && `${t("ui.resolved_by", { user: alarm.resolved_by })}: ${word("outcome", alarm.outcome)}`,
      alarm.note,
    ].filter(Boolean);
    this.pane.replaceChildren(
      h("header", {}, badge(alarm.priority, ""), h("div", {}, h("h2", {}, word("alarm", alarm.kind)),
        h("p", {}, `${said(alarm.place)} · ${dayTime(alarm.last_at, state.site.zone)}`))),
      h("p", { class: "facts" }, facts.join(" · ")),
      alarm.state === "resolved" || !mayAct() ? "" : h("div", { class: "row" },
        alarm.state === "open" && h("button", { class: "primary", id: "acknowledge", onclick: () => acknowledge(alarm) }, t("ui.acknowledge"), h("kbd", {}, "A")),
        h("button", { id: "resolve", onclick: () => resolve(alarm) }, t("ui.resolve"), h("kbd", {}, "N")),
        alarm.door && h("button", { id: "open-door", onclick: () => openDoor(alarm.door) }, t("ui.open_door"), h("kbd", {}, "D"))),
      h("div", { class: "pictures" },
        chosen ? h("figure", { class: "evidence" }, h("figcaption", {}, this.named(chosen)), this.shown(chosen, evidence.slice(evidence.indexOf(chosen)).find((item) => item.kind === "snapshot"))) : "",
        camera ? h("figure", {}, h("figcaption", {}, `${t("ui.live_picture")} · ${named(state.site.cameras[camera], camera)}`, h("span", { class: "live-mark" }, t("ui.live"))), running ?? h("live-picture", { camera })) : ""),
      camera || chosen ? "" : h("p", { class: "muted" }, t("ui.no_camera")),
      camera && !chosen ? h("p", { class: "muted" }, t("ui.evidence_coming")) : "",
      evidence.length > 1 ? h("div", { class: "row earlier" }, evidence.map((item) => h("button", { "aria-pressed": String(item === chosen), onclick: () => { this.chosen = item.event_id; this.pane.querySelector("video")?.pause(); this.drawn += " "; this.detail(alarm); } }, this.named(item)))) : "");
  }
  named(item) { return `${t(`ui.${item.kind}`)} · ${dayTime(item.at, state.site.zone)}`; }
  shown(item, poster) {
    const known = this.pane.querySelector(`[data-evidence="${CSS.escape(item.event_id)}"]`), src = `/api/evidence/${item.event_id}`;
    return known ?? (item.kind === "clip" ? h("video", { "data-evidence": item.event_id, src, poster: poster && `/api/evidence/${poster.event_id}`, controls: true, muted: true, preload: "metadata" }) : h("img", { "data-evidence": item.event_id, src, alt: t("ui.snapshot") }));
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
    if (!alarm || alarm.state === "resolved") return false;
    if (name === "a" && alarm.state === "open") { acknowledge(alarm); return true; }
    if (name === "n") { resolve(alarm, true); return true; }
    if (name === "d" && alarm.door) { openDoor(alarm.door); return true; }
    return false;
  }
}
customElements.define("alarms-screen", AlarmsScreen);
