import { h } from "../parts/dom.js";
import { changes, isLive, state } from "../state.js";
import { named, t } from "../words.js";

class CamerasScreen extends HTMLElement {
  connectedCallback() {
    this.signal = new AbortController();
    this.facts = new Map();
    // A few sockets at once; a browser has its limits.
    this.replaceChildren(...Object.entries(state.site.cameras).slice(0, 9).map(([camera, names]) => {
      const facts = h("span", { class: "muted" });
      this.facts.set(camera, facts);
      return h("figure", {}, h("live-picture", { camera }), h("figcaption", {}, h("b", {}, named(names, camera)), facts));
    }));
    if (!this.facts.size) this.replaceChildren(h("div", { class: "empty" }, t("ui.no_camera")));
    changes.addEventListener("status", () => this.draw(), this.signal);
    this.draw();
  }
  disconnectedCallback() { this.signal.abort(); }
  draw() {
    const values = isLive() ? state.status.processes?.cameras ?? {} : {};
    for (const [camera, facts] of this.facts) {
      const fps = values[`${camera}.fps`], how = values[`${camera}.state`];
      facts.textContent = [how && t(`ui.${how === "online" ? "online" : "offline"}`), fps !== undefined && fps !== null && `${Number(fps).toFixed(1)} fps`].filter(Boolean).join(" · ");
    }
  }
  key() { return false; }
}
customElements.define("cameras-screen", CamerasScreen);
