import { get } from "../api.js";
import { act, mayAct } from "../parts/acts.js";
import { badge, h, toast } from "../parts/dom.js";
import { blockOf, letIn, liftOf } from "../parts/people-actions.js";
import { changes, isLive, state } from "../state.js";
import { dateTime, dayTime, language, named, said, t } from "../words.js";

const groups = {
  type_access: "AccessRequested,AccessGranted,AccessDenied,AccessTaken,AccessNotTaken,UseGivenBack,AccessConfirmed,AreaEntered,AntipassbackViolated,RiskPassed,TravelImpossible,DuressUsed,FloorsEnabled,ExitPressed,OpenedByGuard,ReadAmbiguous,ReadDropped,TourVisitDenied",
  type_doors: "DoorOpened,DoorClosed,DoorForcedOpen,DoorHeldWarning,DoorHeldOpen,DoorModeChanged,DoorModeOverridden,DoorModeOverrideEnded,LockdownStarted,LockdownReleased,LockOpenStarted,LockOpenReleased,LockReleased,LockNotReleased,LockSecured,LockFoundReleased",
  type_alarms: "AlarmRaised,AlarmRepeated,AlarmNormal,AlarmAcknowledged,AlarmResolved,EvidenceStored,SirenStarted,SirenStopped,SirenTested,SirensSilenced,ObservationStarted,ObservationEnded",
  type_patrol: "TourStarted,TourPointVisited,TourPointOutOfOrder,TourPointOverdue,TourPointMissed,TourCompleted,TourLeftIncomplete,TourMissed,TourStopped,TourVisitDenied",
  type_people: "OpenedByGuard,AccessConfirmed,SubjectBlocked,SubjectUnblocked,LocalGrantGiven,LocalGrantEnded,AntipassbackForgiven,DoorModeOverridden,LockdownStarted,LockdownReleased,LockOpenStarted,LockOpenReleased,RequestRefused,AlarmAcknowledged,AlarmResolved,OperatorAudited,FireCleared,SirenTested,SirensSilenced",
  type_devices: "DeviceLost,DeviceReturned,RubbishReceived,DeviceMisconfigured,ReaderConditionChanged,InputFaultChanged,DoorInputFaultChanged,OutputFoundActive,ProcessLost,ProcessReturned,GatewayStarted,ListActivated,ListRejected,ListHeld,ListConfirmed,CredentialsRevoked,CommandEnded",
};
const marks = {
  AccessRequested: "…", AccessGranted: "✓", AccessDenied: "✕", AccessTaken: "→", AreaEntered: "→", DoorForcedOpen: "▲", OpenedByGuard: "●",
  TourPointVisited: "✓", TourPointOutOfOrder: "✓", TourPointMissed: "✕", TourVisitDenied: "✕",
  SubjectBlocked: "●", LocalGrantGiven: "●", LockdownStarted: "■", LockdownReleased: "□", LockOpenStarted: "■", LockOpenReleased: "□",
};
const today = () => dateTime(new Date().toISOString(), state.site.zone).slice(0, 10);
const BLOCKS = new Set(["SubjectBlocked", "SubjectUnblocked"]);

class EventsScreen extends HTMLElement {
  connectedCallback() {
    this.signal = new AbortController();
    this.text = h("input", { type: "search", maxlength: "100", placeholder: t("ui.search_text"), "aria-label": t("ui.search"), oninput: () => this.searchSoon() });
    this.door = h("select", { "aria-label": t("ui.all_doors"), onchange: () => this.search() }, h("option", { value: "" }, t("ui.all_doors")),
      Object.entries(state.site.doors).map(([id, names]) => h("option", { value: id }, named(names, id))));
    this.types = h("select", { "aria-label": t("ui.all_types"), onchange: () => this.search() }, h("option", { value: "" }, t("ui.all_types")),
      Object.entries(groups).filter(([name]) => name !== "type_patrol" || Object.keys(state.site.tours).length).map(([name, types]) => h("option", { value: types }, t(`ui.${name}`))));
    this.following = h("span", { class: "following" }, t("ui.following"));
    this.list = h("section", { class: "list" });
    this.more = h("button", { class: "quiet", hidden: true, onclick: () => this.search(this.before) }, t("ui.more"));
    this.why = h("section", { class: "pane" }, h("div", { class: "empty" }, t("ui.choose_event")));
    this.replaceChildren(h("div", { class: "bar" }, this.text, this.door, this.types, this.following,
      state.me.role === "supervisor" && h("button", { class: "quiet", onclick: () => this.export() }, t("ui.export"))),
      h("div", { class: "two" }, h("div", { class: "scroll" }, this.list, this.more), this.why));
    changes.addEventListener("events", () => { if (!this.asked()) this.draw(state.events); }, this.signal);
    // At midnight yesterday's events get their date.
    changes.addEventListener("beat", () => { if (this.day !== today() && !this.failed) this.draw(this.asked() ? this.found ?? [] : state.events); }, this.signal);
    changes.addEventListener("happened", (event) => { if (this.chosen && event.detail.some((each) => BLOCKS.has(each.type))) this.explain(this.chosen); }, this.signal);
    for (const what of ["status", "beat"]) changes.addEventListener(what, () => this.drawFollowing(), this.signal);
    this.drawFollowing();
    this.draw(state.events);
    if (this.kept) this.restore(this.kept);
  }
  keep() { return { text: this.text.value, door: this.door.value, types: this.types.value, chosen: this.chosen }; }
  restore({ text, door, types, chosen }) {
    this.text.value = text; this.door.value = door; this.types.value = types;
    if (this.asked()) this.search();
    if (chosen) this.explain(chosen);
  }
  disconnectedCallback() { this.signal.abort(); clearTimeout(this.soon); }
  asked() {
    const query = new URLSearchParams();
    if (this.text.value.trim()) query.set("text", this.text.value.trim());
    if (this.door.value) query.set("door", this.door.value);
    if (this.types.value) query.set("types", this.types.value);
    return query.toString();
  }
  drawFollowing() { this.following.hidden = Boolean(this.asked()) || !isLive(); }
  searchSoon() { clearTimeout(this.soon); this.soon = setTimeout(() => this.search(), 250); }
  async search(before = null) {
    const asked = this.asked();
    this.drawFollowing();
    this.failed = false;
    if (!asked && before === null) { this.more.hidden = true; this.draw(state.events); return; }
    try {
      const page = await get(`/api/events?limit=100&${asked}${before ? `&before=${before}` : ""}`);
      if (asked !== this.asked()) return;
      this.found = before ? [...this.found, ...page.events] : page.events;
      this.before = page.before;
      this.more.hidden = page.before === null;
      this.draw(this.found);
    } catch (refused) { if (before) toast(refused.message, "bad"); else if (asked === this.asked()) this.fail(refused); }
  }
  // What stood there before is no answer to what is asked now.
  fail(refused) {
    this.failed = true;
    this.more.hidden = true;
    this.list.replaceChildren(h("div", { class: "empty failed", role: "alert" }, h("p", {}, t("ui.search_failed"), h("br"), refused.message), h("button", { class: "quiet", onclick: () => this.search() }, t("ui.search_again"))));
  }
  export() { location.href = `/api/events.csv?language=${language}&${this.asked()}`; }
  mark(event) {
    const raised = event.type === "AlarmRaised" || event.type === "AlarmRepeated";
    return raised && event.priority ? badge(event.priority, t(`ui.priority_${event.priority}`)) : h("span", { class: "mark" }, marks[event.type] ?? "·");
  }
  draw(events) {
    this.day = today();
    this.list.replaceChildren(...(events.length ? events.slice(0, 1000).map((event) => h("button", { class: `event ${event.type}`, "aria-current": event.id === this.chosen ? "true" : null, onclick: () => this.explain(event.id) },
      h("time", {}, dayTime(event.at, state.site.zone)), this.mark(event), h("span", {}, said(event.text)))) : [h("div", { class: "empty" }, t("ui.nothing_found"))]));
  }
  async explain(id) {
    this.chosen = id;
    this.classList.add("chosen");
    for (const line of this.list.querySelectorAll("[aria-current]")) line.removeAttribute("aria-current");
    try {
      const event = await get(`/api/events/${id}`);
      if (id !== this.chosen) return;
      const facts = [["ui.time", dateTime(event.at, state.site.zone)], ["ui.list_version", event.list_version ?? "–"], ["ui.record", event.seq === event.row ? `#${event.row}` : `#${event.row} · ${event.seq}`]];
      this.why.replaceChildren(h("button", { class: "quiet back", onclick: () => this.leave() }, `← ${t("ui.back")}`), h("h2", {}, said(event.text)),
        h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, t(name)), h("dd", {}, String(value))))),
        this.actions(event),
        h("h3", {}, t("ui.why")),
        event.why.length ? h("ol", { class: "why" }, event.why.map((step) => h("li", { class: step.wanted ? "wanted" : step.passed ? "passed" : "failed" }, h("span", { class: "mark" }, step.wanted ? "…" : step.passed ? "✓" : "✕"), said(step.text)))) : h("p", { class: "muted" }, t("ui.why_none")),
        event.why.length ? h("p", { class: "muted" }, t("ui.why_recorded")) : "",
        event.technical ? h("h3", {}, t("ui.technical")) : "", event.technical ? h("p", { class: "technical" }, event.technical) : "",
        h("p", { class: "hash", title: event.hash }, `${t("ui.hash")}: ${event.hash.slice(0, 32)}`));
    } catch (refused) { toast(refused.message, "bad"); }
  }
  actions(event) {
    if (!mayAct() || !event.names.length) return "";
    return h("div", { class: "row about-card" },
      this.blocking(event, "credential", event.shown), this.blocking(event, "cardholder", "person"),
      event.names.includes("credential") && act({ id: "let-in", onclick: () => letIn(event) }, t("ui.let_in")));
  }
  blocking(event, of, word) {
    if (!event.names.includes(of)) return "";
    return event.blocked.includes(of) ? act({ id: `lift-${of}`, onclick: () => liftOf(event, of) }, t(`ui.lift_${word}`)) : act({ id: `block-${of}`, onclick: () => blockOf(event, of) }, t(`ui.block_${word}`));
  }
  leave() { this.chosen = null; this.classList.remove("chosen"); }
  key(name) {
    if (name !== "Escape" || !this.classList.contains("chosen") || innerWidth > 640) return false;
    this.leave();
    return true;
  }
}
customElements.define("events-screen", EventsScreen);
