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
      return h("figure", { "data-camera": camera }, h("live-picture", { camera }), h("figcaption", {}, h("button", { class: "quiet enlarge", onclick: () => this.enlarge(camera) }, t("ui.enlarge")), h("b", {}, named(names, camera)), facts, h("span", { class: "live-mark" }, t("ui.live"))));
    }));
    if (!this.facts.size) this.replaceChildren(h("div", { class: "empty" }, t("ui.no_camera")));
    for (const picture of this.querySelectorAll("live-picture")) picture.addEventListener("click", () => this.enlarge(picture.getAttribute("camera")));
    this.enlarge(this.kept ?? null);
    changes.addEventListener("status", () => this.draw(), this.signal);
    this.draw();
  }
  disconnectedCallback() { this.signal.abort(); }
  draw() {
    const values = isLive() ? state.status.processes?.cameras ?? {} : {};
    for (const [camera, facts] of this.facts) {
      const fps = values[`${camera}.fps`], how = values[`${camera}.state`];
      facts.textContent = [how && t(`ui.${how === "online" ? "online" : "offline"}`), fps !== undefined && fps !== null && t("ui.fps", { n: Number(fps).toFixed(1) })].filter(Boolean).join(" · ");
    }
  }
  keep() { return this.large; }
  enlarge(camera) {
    this.large = camera === this.large ? null : camera;
    this.classList.toggle("one", Boolean(this.large));
    for (const figure of this.querySelectorAll("figure")) {
      figure.hidden = Boolean(this.large) && figure.dataset.camera !== this.large;
      figure.querySelector(".enlarge").textContent = t(this.large ? "ui.shrink" : "ui.enlarge");
    }
  }
  key(name) {
    if (name !== "Escape" || !this.large) return false;
    this.enlarge(null);
    return true;
  }
}
customElements.define("cameras-screen", CamerasScreen);
