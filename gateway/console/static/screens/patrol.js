// Patrol: how the rounds of the last day stand, point by point; the tours, and when each is due next.
import { get } from "../api.js";
import { act } from "../parts/acts.js";
import { begun } from "../parts/alarm-about.js";
import { askDialog, reasonPart } from "../parts/ask.js";
import { h } from "../parts/dom.js";
import { changes, state } from "../state.js";
import { clockTime, dayMinute, said, t, word } from "../words.js";

const EVERY_MS = 1000;
const STOP = ["called_away", "weather", "drill", "system_test"];
const MARKS = { on_time: "✓", early: "✓", late: "✓", out_of_order: "✓", overdue: "!", missed: "✗", not_visited: "–", pending: "○" };

class PatrolScreen extends HTMLElement {
  connectedCallback() {
    this.signal = new AbortController();
    this.fault = h("p", { class: "fault", role: "alert" });
    this.body = h("div", { class: "people" });
    this.replaceChildren(this.fault, this.body);
    changes.addEventListener("happened", (event) => { if (event.detail.some((each) => each.type.startsWith("Tour"))) this.askSoon(); }, this.signal);
    this.ask();
  }
  disconnectedCallback() { this.signal.abort(); clearTimeout(this.soon); }
  askSoon() { this.soon ??= setTimeout(() => { this.soon = null; this.ask(); }, Math.max(100, EVERY_MS - (Date.now() - (this.askedAt ?? 0)))); }
  async ask() {
    this.askedAt = Date.now();
    try {
      const found = await get("/api/tours");
      this.fault.textContent = "";
      this.draw(found);
    } catch (refused) {
      this.fault.textContent = refused.message;
      if (refused.status === 0 || refused.status >= 500) this.askSoon();
    }
  }
  draw({ tours, rounds }) {
    const scroll = this.body.scrollTop;
    this.body.replaceChildren(
      h("div", { class: "muster" }, rounds.length ? rounds.map((each) => this.round(each)) : h("div", { class: "empty" }, t("ui.no_rounds"))),
      h("div", { class: "tours" }, tours.map((tour) => this.tour(tour))));
    this.body.scrollTop = scroll;
  }
  round(each) {
    const open = each.ended_at === null, behind = each.points.some((point) => point.state === "overdue");
    const facts = [each.card ? said(each.card) : "", begun(each), each.ended_at && t("ui.round_ended", { time: this.hour(each.ended_at) })];
    return h("section", { class: `round ${each.state} ${open && behind ? "behind" : ""}`, "data-round": each.round },
      h("header", {}, h("div", {}, h("h2", {}, said(each.name)), h("span", { class: "muted" }, facts.filter(Boolean).join(" · "))), h("span", { class: "phase" }, word("round", each.state))),
      each.state !== "missed" && h("ol", { class: "points" }, each.points.map((point) => h("li", { class: point.state, "data-reader": point.reader },
        h("span", { class: "mark" }, MARKS[point.state]), h("b", {}, said(point.name)), h("span", {}, word("point", point.state)), h("time", {}, point.at ? this.hour(point.at) : "")))),
      open && h("div", { class: "row end" }, act({ class: "quiet", onclick: () => this.stop(each) }, t("ui.end_round"))));
  }
  time(iso) { return dayMinute(iso, state.site.zone); }
  // Beside a day that stands above it.
  hour(iso) { return clockTime(iso, state.site.zone).slice(0, -3); }
  tour(tour) {
    return h("section", { class: "tour", "data-tour": tour.id }, h("header", {}, h("h2", {}, said(tour.name)),
      act({ onclick: () => this.start(tour) }, t("ui.start_tour"), () => tour.open ? t("refusal.TourUnderWay") : "")),
      h("p", { class: "muted" }, tour.next_at ? t("ui.next_due", { time: this.time(tour.next_at) }) : t("ui.never_due")),
      h("p", {}, tour.points.map(said).join(tour.in_order ? " → " : t("ui.and"))));
  }
  start(tour) {
    askDialog({ title: t("ui.start_tour_title", { tour: said(tour.name) }), text: t("ui.start_tour_text", { point: said(tour.points[0]) }), parts: [], yes: t("ui.start_tour"),
      send: (send) => send(`/api/tours/${tour.id}/start`) });
  }
  stop(each) {
    askDialog({ title: t("ui.end_round_title", { tour: said(each.name) }), parts: [reasonPart(STOP)], yes: t("ui.end_round"), danger: true,
      send: (send, { reason }) => send(`/api/rounds/${each.round}/stop`, { reason }) });
  }
  key() { return false; }
}
customElements.define("patrol-screen", PatrolScreen);
