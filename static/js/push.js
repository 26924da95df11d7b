// News on this device: asked for on a paid order's page, once the ticket is there; each kind can be switched off.
const box = document.querySelector("[data-push]");
const live = document.getElementById("live");
const supported = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

const part = (name) => box.querySelector(`[data-push-${name}]`);
const switches = () => [...box.querySelectorAll("input[name=kinds]")];

function show(kinds) {
  part("ask").hidden = kinds.length > 0 || Notification.permission === "denied";
  part("kinds").hidden = kinds.length === 0;
  part("denied").hidden = kinds.length > 0 || Notification.permission !== "denied";
  for (const each of switches()) each.checked = kinds.includes(each.value);
}

// The shop learns of the subscription; without `kinds` what it is told of stays as it is. What was switched on is
// remembered here as well: the shop forgets a device with its session, also when somebody changes a password.
async function tell(subscription, kinds) {
  const { endpoint, keys } = subscription.toJSON();
  const body = { endpoint, p256dh: keys.p256dh, auth: keys.auth, order: box.dataset.push };
  if (kinds) body.kinds = kinds;
  else body.before = remembered();
  const answer = await fetch("/push", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`push: ${answer.status}`);
  const told = (await answer.json()).kinds;
  remember(told);
  return told;
}

const NAME = "push-kinds";
function remembered() {
  try {
    const kinds = JSON.parse(localStorage.getItem(NAME));
    return Array.isArray(kinds) && kinds.every((each) => typeof each === "string") ? kinds : [];
  } catch {
    return []; // nothing, or storage is switched off
  }
}

function remember(kinds) {
  try {
    localStorage.setItem(NAME, JSON.stringify(kinds));
  } catch {
    // storage is switched off
  }
}

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));

async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") return show([]);
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytes(box.dataset.pushKey),
  });
  show(await tell(subscription, switches().map((each) => each.value))); // all of them, until one is switched off
}

// One change after the other: each says what is switched on when its turn has come.
let changed = Promise.resolve();
function change() {
  changed = changed.then(() => tried(sayWhatIsOn));
}

async function sayWhatIsOn() {
  const subscription = await (await navigator.serviceWorker.ready).pushManager.getSubscription();
  const kinds = switches().filter((each) => each.checked).map((each) => each.value);
  if (subscription) await tell(subscription, kinds);
  if (kinds.length) return;
  await subscription?.unsubscribe();
  show([]);
}

// A browser that is told already is told of this order, too: also while its seats are held.
async function begin() {
  const subscription = await (await navigator.serviceWorker.ready).pushManager.getSubscription();
  show(subscription ? await tell(subscription) : []);
}

async function tried(act) {
  part("failed").hidden = true;
  try {
    await act();
  } catch {
    part("failed").hidden = false;
    await begin().catch(() => {}); // the switches are as the shop knows them
  }
}

function showBox() {
  box.hidden = live.firstElementChild.dataset.state !== "paid";
}

if (box && supported) {
  showBox();
  begin().catch(() => show([]));
  document.addEventListener("part:shown", showBox);
  part("ask").querySelector("button").addEventListener("click", () => tried(subscribe));
  for (const each of switches()) each.addEventListener("change", change);
}
