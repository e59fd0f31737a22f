import { t, said } from "./words.js";

export class Refused extends Error {
  constructor(status, error) { super(said(error?.text) || t(`error.${error?.code ?? "failed"}`)); this.status = status; this.code = error?.code; }
}

export async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: { "X-Gatehouse-Console": "1", ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(10000),
    });
  } catch { throw new Refused(0, { code: "network" }); }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    if (answer.status === 401 && content.error?.code === "sign_in_required") dispatchEvent(new Event("signed-out"));
    throw new Refused(answer.status, content.error);
  }
  return content;
}
export const get = (path) => ask("GET", path);
export const post = (path, body) => ask("POST", path, body);
// crypto.randomUUID wants a secure context; a post may use plain HTTP on its own network.
export function requestId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
