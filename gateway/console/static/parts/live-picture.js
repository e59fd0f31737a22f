// <live-picture camera="id">: JPEG pictures from the camera's worker; the newest one is drawn.
import { t } from "../words.js";
import { h } from "./dom.js";

class LivePicture extends HTMLElement {
  connectedCallback() {
    this.wanted = true;
    this.picture = h("img", { alt: t("ui.live_picture") });
    this.caption = h("span", { class: "caption" }, t("ui.no_picture"));
    this.replaceChildren(this.picture, this.caption);
    this.connect();
  }
  disconnectedCallback() { this.wanted = false; clearTimeout(this.retry); this.socket?.close(); if (this.shown) URL.revokeObjectURL(this.shown); }
  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/ws/camera/${encodeURIComponent(this.getAttribute("camera"))}`);
    this.socket.binaryType = "blob";
    this.socket.onmessage = (message) => {
      const url = URL.createObjectURL(message.data), old = this.shown;
      this.picture.src = this.shown = url;
      if (old) URL.revokeObjectURL(old);
      this.classList.add("running"); this.caption.textContent = "";
    };
    this.socket.onclose = () => {
      this.classList.remove("running"); this.caption.textContent = t("ui.no_picture");
      if (this.wanted) this.retry = setTimeout(() => this.connect(), 2000);
    };
  }
}
customElements.define("live-picture", LivePicture);
