// The door without a net: the list taken along while there is one, who comes in by it, and bringing that back.
import { CODE_LENGTH, codeOf, fromBase64, normalizeCode, readStatement } from "./door-statement.js";
import * as store from "./door-store.js";

const RENEW_EVERY = 120_000;
const TRY_EVERY = 15_000;
const PATIENCE = 10_000;
const MOST_FOUND = 20;
const MOST_AT_ONCE = 500;
const MOST_SHOWN = 8;

const box = document.querySelector("[data-offline-door]");
const { event, listUrl, mergeUrl, shellUrl, library, zone } = box.dataset;
const form = document.querySelector("[data-scan]");
const words = JSON.parse(document.getElementById("door-words").textContent);

let list = null;
let byDigest = new Map();
let byId = new Map();
let waiting = []; // scans that the shop does not have yet
let isAway = false;
let isSignedOut = false;
let syncing = null;
let renewedAt = 0;

const hasList = () => list !== null && Date.parse(list.gone_at) > Date.now();
export const canDoWithout = () => hasList();
export const knowsToBeAway = () => isAway && hasList();

const clockText = (moment) =>
  new Date(moment).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", timeZone: zone });

const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name]);

// -- the list ---------------------------------------------------------------------------------------
function use(taken) {
  list = taken;
  const names = ["id", "digest", "generation", "state", "since", "name", "type", "order", "number", "of"];
  const rows = (taken?.tickets ?? []).map((each) => Object.fromEntries(names.map((name, at) => [name, each[at]])));
  byDigest = new Map(rows.map((row) => [row.digest, row]));
  byId = new Map(rows.map((row) => [row.id, row]));
}

async function ask(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE),
  });
  isSignedOut = answer.redirected || [401, 403].includes(answer.status);
  if (answer.status >= 500) throw new Error("the shop is away");
  return !isSignedOut && answer.ok ? answer.json() : { status: answer.status };
}

async function take() {
  const taken = await ask(listUrl, { device: await store.deviceId(), known: list?.version ?? "" });
  if (taken.status) {
    if (isSignedOut || taken.status === 404 || taken.status === 409) {
      await store.forgetList(event);
      use(null);
    }
    return;
  }
  if (!taken.tickets) taken.tickets = list.tickets;
  use(taken);
  renewedAt = Date.now();
  await store.keepList(event, taken);
  await keepPage();
}

// The page, and the files that it is made of, for the service worker (worker/door.js).
async function keepPage() {
  const isNew = !(await caches.match(import.meta.url, { cacheName: "door" }));
  if (isNew) await caches.delete("door"); // of another version of this page
  const cache = await caches.open("door");
  if (await cache.match(shellUrl)) return;
  const used = performance.getEntriesByType("resource").map((each) => new URL(each.name));
  const files = used.filter((url) => url.origin === location.origin && url.pathname.startsWith("/static/")).map((url) => url.pathname);
  await cache.addAll([...new Set([...files, library, document.querySelector("[data-wasm]").dataset.wasm, shellUrl])]);
}

// -- bringing back ------------------------------------------------------------------------------------
async function bringBack() {
  for (const id of new Set(waiting.map((scan) => scan.list))) {
    const scans = waiting.filter((scan) => scan.list === id).slice(0, MOST_AT_ONCE);
    const sent = scans.map(({ scan, ticket, generation, at }) => ({ scan, ticket, generation, at }));
    const said = await ask(mergeUrl, { list: id, sent_at: Date.now(), scans: sent });
    if (said.status) return;
    for (const { scan } of said.scans) await store.dropScan(scan);
  }
  waiting = await store.scansOf(event);
}

// One at a time: scans back first, so that the list that comes then knows them.
export function sync() {
  syncing ??= (async () => {
    try {
      waiting = await store.scansOf(event);
      if (waiting.length) await bringBack();
      await take();
      isAway = false;
    } catch {
      isAway = true;
    } finally {
      syncing = null;
      show();
    }
  })();
  return syncing;
}

export function goneAway() {
  isAway = true;
  show();
}

// -- who comes in --------------------------------------------------------------------------------------
async function digest(code) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(code)));
  return btoa(String.fromCharCode(...bytes));
}

function judge(row, generation) {
  const before = waiting.find((scan) => scan.ticket === row.id);
  const since = row.since ?? (before && new Date(before.at).toISOString());
  if (row.state === "void") return { reason: "void", row };
  if (row.state === "replay") return { reason: "replay_only", row };
  if (since) return { reason: "already_checked_in", row, since };
  return { reason: "ok", row, generation };
}

// A code of the list is as good as there; a signed statement is good also for what was sold, or got a new link,
// after the list was taken.
async function decide(scanned) {
  const code = codeOf(scanned);
  const known = byDigest.get(await digest(code));
  if (known) return judge(known, known.generation);
  const said = await readStatement(scanned, list.keys, library);
  if (!said) return { reason: "unknown_code" };
  if (said.event !== Number(event)) return { reason: "wrong_event" };
  const row = byId.get(said.ticket) ?? { id: said.ticket, state: "open", generation: -1, name: "", type: "", order: "" };
  if (said.generation <= row.generation) return { reason: "void", row };
  return judge(said.opensDoor ? row : { ...row, state: "replay" }, said.generation);
}

function find(typed) {
  const text = typed.trim();
  if (text.length < 2) return [];
  const fold = (name) => name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const [order, parts] = [normalizeCode(text), fold(text).split(/\s+/)];
  const rows = [...byId.values()];
  const found = rows.filter((row) => row.order === order);
  return (found.length ? found : rows.filter((row) => parts.every((part) => fold(row.name).includes(part)))).slice(0, MOST_FOUND);
}

async function letIn(verdict, nonce) {
  if (verdict.reason !== "ok") return;
  const scan = { scan: nonce, event, list: list.list, ticket: verdict.row.id, generation: verdict.generation, at: Date.now() };
  await store.keepScan(scan); // before anybody hears "welcome"
  waiting.push(scan);
}

// What the page sent and nobody answered: {ticket}, {undo} or {code}. Answers an element to show, with its reason.
export async function answer(asked, nonce) {
  if (asked.undo) return undone(asked.undo);
  if (asked.ticket) {
    const row = byId.get(asked.ticket.replaceAll("-", ""));
    const verdict = row ? judge(row, row.generation) : { reason: "unknown_code" };
    await letIn(verdict, nonce);
    return told(verdict);
  }
  if (codeOf(asked.code).length !== CODE_LENGTH) {
    const rows = find(asked.code);
    return rows.length ? picks(rows) : told({ reason: "unknown_code" });
  }
  const verdict = await decide(asked.code);
  await letIn(verdict, nonce);
  return told(verdict);
}

async function undone(id) {
  const scan = waiting.find((each) => each.ticket === id.replaceAll("-", ""));
  if (!scan) return told({ reason: "undo_online" });
  await store.dropScan(scan.scan);
  waiting = waiting.filter((each) => each !== scan);
  return told({ reason: "undone", row: byId.get(scan.ticket) });
}

// -- what is seen ----------------------------------------------------------------------------------------
function make(tag, className, ...inside) {
  const made = Object.assign(document.createElement(tag), { className });
  made.append(...inside.filter((each) => each !== "" && each !== null));
  return made;
}

const icon = (name) => document.querySelector(`template[data-icon="${name}"]`).content.cloneNode(true);
const LOOKS = { ok: ["verdict-ok", "check"], already_checked_in: ["verdict-used", "alert"], undone: ["verdict-ready", "door"] };

function nameOf(row) {
  const name = document.createElement("bdi");
  name.textContent = row.name || words.no_name;
  return name;
}

function told({ reason, row, since }) {
  const [look, sign] = LOOKS[reason] ?? ["verdict-no", "close"];
  const [title, more] = words[reason];
  const place = row?.of ? fill(words.place, { number: row.number, total: row.of }) : "";
  const facts = make("p", "");
  if (row && reason !== "void" && reason !== "replay_only") facts.append(make("b", "break-words", nameOf(row)), [row.type, place].filter(Boolean).map((fact) => ` · ${fact}`).join(""));
  const said = fill(more, { time: since ? clockText(since) : "" });
  const element = make("div", `verdict ${look} lg:col-start-1`, icon(sign), make("p", "verdict-word", title), facts, make("p", "", said));
  element.dataset.said = "";
  return { reason, element };
}

function button(look, name, row, text) {
  const made = make("button", `btn ${look} btn-sm`, text);
  return Object.assign(made, { type: "submit", name, value: row.id });
}

function picked(row) {
  const who = make("span", "min-w-0 break-words", make("b", "", nameOf(row)), row.type ? ` · ${row.type}` : "", " ", make("span", "hint", row.of > 1 ? `${row.order} · ${row.number}/${row.of}` : row.order));
  const { reason, since } = judge(row, row.generation);
  const state = reason === "ok" ? button("btn-primary", "ticket", row, words.let_in) : make("span", "pill pill-warning", since ? fill(words.in_since, { time: clockText(since) }) : words[reason][0]);
  const item = make("li", "flex flex-wrap items-center justify-between gap-x-4 gap-y-2 py-2", who, state);
  item.querySelector("button")?.setAttribute("form", "picks");
  return item;
}

function picks(rows) {
  const element = make("div", "panel grid content-start gap-2 p-5 lg:col-start-1", make("ul", "divide-y divide-line", ...rows.map(picked)));
  element.dataset.said = "";
  return { reason: "pick", element };
}

function show() {
  const at = list ? clockText(list.taken_at) : "";
  const line = isSignedOut ? words.signed_out : isAway ? (hasList() ? words.away : words.away_without) : hasList() ? words.ready : "";
  const waits = waiting.length ? fill(words.waiting, { count: waiting.length }) : "";
  box.querySelector("[data-state]").textContent = [fill(line, { time: at }), waits].filter(Boolean).join(" ");
  box.querySelector("[data-net]").className = `note ${isAway || isSignedOut ? "note-warning" : "note-info"}`;
  box.querySelector("[data-sign-in]").hidden = !isSignedOut;
  box.querySelector("[data-net]").hidden = !line && !waits;
  document.querySelector("[data-last]")?.toggleAttribute("hidden", isAway);
  box.querySelector("[data-waiting]").hidden = waiting.length === 0;
  box.querySelector("[data-waiting] ul").replaceChildren(...waiting.slice(-MOST_SHOWN).reverse().map(brought));
  const conflicts = list?.conflicts ?? [];
  box.querySelector("[data-conflicts]").hidden = conflicts.length === 0;
  box.querySelector("[data-conflicts] ul").replaceChildren(...conflicts.map(conflict));
}

// A scan that waits for the net, with its way back.
function brought(scan) {
  const row = byId.get(scan.ticket) ?? { name: "", order: "" };
  const undo = button("btn-quiet", "undo", { id: scan.ticket }, words.undo);
  undo.setAttribute("form", "picks");
  const who = make("span", "min-w-0 break-words", nameOf(row), " ", make("span", "hint", row.order));
  const when = make("span", "flex flex-none items-baseline gap-3", make("time", "text-muted", clockText(scan.at)), undo);
  return make("li", "flex items-baseline justify-between gap-4 py-2", who, when);
}

function conflict({ says, who, order, at, first_at: first }) {
  const name = document.createElement("bdi");
  name.textContent = who;
  const times = first ? fill(words.both_times, { first: clockText(first), second: clockText(at) }) : clockText(at);
  return make("li", "py-2", make("b", "break-words", name), " ", make("span", "hint", order), make("p", "", `${says}: ${times}`));
}

// -- from the start ----------------------------------------------------------------------------------------
export async function begin() {
  if (!globalThis.isSecureContext || !globalThis.indexedDB || !navigator.serviceWorker) return; // online only
  await store.forgetOver();
  use(await store.keptList(event));
  waiting = await store.scansOf(event);
  window.addEventListener("online", sync);
  window.addEventListener("offline", goneAway);
  setInterval(() => {
    if (list && !hasList()) {
      store.forgetOver();
      use(null);
      show();
    }
    if (isAway || waiting.length || (!document.hidden && Date.now() - renewedAt > RENEW_EVERY)) sync();
  }, TRY_EVERY);
  show();
  await sync();
}
