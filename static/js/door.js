// The door: camera, photo or typed code; each scan has a nonce, so that sending it again is harmless. The shop is
// asked first; where it cannot be reached, the list that this phone took along decides (door-offline.js).
import * as offline from "./door-offline.js";

const verdict = document.getElementById("verdict");
const announce = document.getElementById("announce");
const form = document.querySelector("[data-scan]");
const camera = document.querySelector("[data-camera]");
const view = camera.querySelector("[data-view]");
const video = camera.querySelector("video");
const startButton = camera.querySelector("[data-start]");
const LOOK_EVERY = 150;
const SAME_CODE_PAUSE = 4000;
const TRIES = 4;
const PATIENCE = 20_000;
const PATIENCE_WITH_LIST = 4_000;
let detector = null;
let stream = null;
let sound = null;
let busy = false;
let last = { code: "", at: 0 };

let awake = null;

const newNonce = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// -- what is heard ------------------------------------------------------------------------------
function tones(reason) {
  if (reason === "ok") return [[880, 0], [1320, 0.12]];
  if (reason === "already_checked_in") return [[440, 0], [440, 0.2]];
  return [[160, 0], [120, 0.22]];
}

function play(reason) {
  if (["pick", "undone"].includes(reason)) return;
  navigator.vibrate?.(reason === "ok" ? 60 : [120, 80, 120]);
  if (!sound) return;
  for (const [pitch, at] of tones(reason)) {
    const begin = sound.currentTime + at;
    const tone = new OscillatorNode(sound, { frequency: pitch, type: reason === "ok" ? "sine" : "square" });
    const volume = new GainNode(sound, { gain: 0.25 });
    volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.18);
    tone.connect(volume).connect(sound.destination);
    tone.start(begin);
    tone.stop(begin + 0.2);
  }
}

// Browsers let a page be heard only after somebody touched it.
for (const touch of ["click", "keydown"]) {
  document.addEventListener(touch, () => {
    sound ??= new AudioContext();
    sound.resume();
  });
}

// -- one scan -----------------------------------------------------------------------------------
function say(words) {
  const box = verdict.querySelector("[data-said]");
  box.className = "verdict verdict-ready lg:col-start-1";
  box.replaceChildren(Object.assign(document.createElement("p"), { textContent: words }));
  announce.textContent = words;
}

// Signed out meanwhile, or no door of theirs any more: nobody comes in, by the list neither.
function signInAgain() {
  location.reload();
  return new Promise(() => {});
}

// The shop's answer; null when it cannot be reached, at once where this phone can do without.
async function send(body) {
  for (let attempt = 1; attempt <= TRIES && !offline.knowsToBeAway(); attempt++) {
    try {
      const signal = AbortSignal.timeout(offline.canDoWithout() ? PATIENCE_WITH_LIST : PATIENCE);
      const answer = await fetch(form.action, { method: "POST", body, signal });
      if (answer.redirected || answer.status === 403) return signInAgain();
      if (answer.ok) return await answer.text();
    } catch {
      // No connection: the same scan, with its nonce, once more; or by the list.
      if (offline.canDoWithout()) return offline.goneAway();
    }
    say(verdict.dataset.offline);
    await pause(700 * attempt);
  }
  if (!offline.canDoWithout()) say(verdict.dataset.lost);
  return null;
}

function showAnswer(reason) {
  play(reason);
  announce.textContent = verdict.querySelector("[data-said]").innerText;
  form.elements.code.value = "";
}

// `asked`: {code}, or the {ticket} that was picked, or the one to {undo}.
async function scan(asked) {
  busy = true;
  form.elements.code.value = asked.code ?? "";
  form.elements.nonce.value = newNonce();
  const body = new FormData(form);
  if (!asked.code) body.delete("code");
  for (const [name, value] of Object.entries(asked)) body.set(name, value);
  body.set("part", "1");
  const html = await send(body);
  if (html) {
    verdict.innerHTML = html;
    showAnswer(verdict.firstElementChild.dataset.reason);
  } else if (offline.canDoWithout()) {
    const { reason, element } = await offline.answer(asked, form.elements.nonce.value);
    verdict.querySelector("[data-said]").replaceWith(element);
    showAnswer(reason);
    offline.goneAway();
  }
  last = { code: asked.code ?? "", at: Date.now() };
  busy = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const code = form.elements.code.value.trim();
  if (code && !busy) scan({ code });
  form.elements.code.focus();
});

// Buttons of the guest list: let in, or undo.
document.querySelector("[data-picks]").addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, value } = event.submitter;
  if (!busy) scan({ [name]: value });
});

// -- seeing -------------------------------------------------------------------------------------
async function makeDetector() {
  const formats = ["qr_code"];
  const known = (await globalThis.BarcodeDetector?.getSupportedFormats?.()) ?? [];
  if (known.includes("qr_code")) return new BarcodeDetector({ formats });
  const { BarcodeDetector: Own, prepareZXingModule } = globalThis.BarcodeDetectionAPI;
  // The wasm is ours, and of exactly this script's version; its own default would be another host's.
  prepareZXingModule({ overrides: { locateFile: () => camera.dataset.wasm } });
  return new Own({ formats });
}

async function codesIn(picture) {
  detector ??= await makeDetector();
  return (await detector.detect(picture)).map((found) => found.rawValue.trim()).filter(Boolean);
}

async function look() {
  while (stream) {
    await pause(LOOK_EVERY);
    if (busy || !stream || document.hidden || video.readyState < 2) continue;
    const [code] = await codesIn(video).catch(() => []);
    if (!code || (code === last.code && Date.now() - last.at < SAME_CODE_PAUSE)) {
      if (code) last.at = Date.now(); // still before the camera
      continue;
    }
    await scan({ code });
  }
}

// A phone that scans must not fall asleep between two guests. Browsers give the lock up while the page is hidden.
async function stayAwake() {
  if (!stream || document.hidden) return;
  try {
    awake = await navigator.wakeLock?.request("screen");
  } catch {
    // Low battery, or not allowed: the phone sleeps as it always did.
  }
}
document.addEventListener("visibilitychange", stayAwake);

function stop() {
  awake?.release();
  awake = null;
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  view.hidden = true;
  startButton.querySelector("[data-label]").textContent = startButton.dataset.startText;
}

async function start() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
    });
  } catch {
    camera.querySelector("[data-denied]").hidden = false;
    return;
  }
  camera.querySelector("[data-denied]").hidden = true;
  video.srcObject = stream;
  view.hidden = false;
  startButton.querySelector("[data-label]").textContent = startButton.dataset.stopText;
  await video.play();
  stayAwake();
  look();
}

startButton.addEventListener("click", () => (stream ? stop() : start()));

camera.querySelector("[data-photo]").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file || busy) return;
  const picture = await createImageBitmap(file).catch(() => null);
  const [code] = picture ? await codesIn(picture).catch(() => []) : [];
  if (code) await scan({ code });
  else say(verdict.dataset.nothing);
});

offline.begin();
