// News that comes while no page is open. Whatever arrives is shown as text, and leads to pages of this shop only.
self.addEventListener("push", (event) => {
  const said = readNews(event.data);
  const options = { body: said.body, tag: said.tag, lang: said.lang, icon: self.SHELL.icon, badge: self.SHELL.badge, data: said.url };
  const changed = self.onMessage.recheck?.({ force: true }); // a kept ticket may be void now
  event.waitUntil(Promise.all([self.registration.showNotification(said.title, options), changed]));
});

// Only who has this browser's keys can write one; all the same nothing that is written can do harm or fail.
function readNews(data) {
  let said = {};
  try {
    said = data.json() ?? {};
  } catch {
    // no news of ours
  }
  const text = (value, otherwise = "") => (typeof value === "string" ? value.slice(0, 200) : otherwise);
  return {
    title: text(said.title) || self.SHELL.name,
    body: text(said.body),
    tag: text(said.tag, "news") || "news",
    lang: /^[a-z]{2}$/.test(said.lang) ? said.lang : "",
    url: ourPath(said.url),
  };
}

function ourPath(url) {
  try {
    const found = new URL(url, location.origin);
    return found.origin === location.origin && typeof url === "string" ? found.pathname : "/";
  } catch {
    return "/";
  }
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(ourPath(event.notification.data)));
});

async function open(path) {
  const pages = await self.clients.matchAll({ type: "window" });
  const page = pages.find((each) => new URL(each.url).pathname === path);
  return page ? page.focus() : self.clients.openWindow(path);
}

// The push service gave this browser another endpoint. Who knows the former one's secret may move it; where the
// browser does not say what it had, the next page of an order does it.
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(moved(event)));

async function moved({ oldSubscription, newSubscription }) {
  if (!oldSubscription) return;
  const fresh = newSubscription ?? (await self.registration.pushManager.subscribe(oldSubscription.options));
  const [former, { endpoint, keys }] = [oldSubscription.toJSON(), fresh.toJSON()];
  await fetch("/push", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      endpoint, p256dh: keys.p256dh, auth: keys.auth,
      former: { endpoint: former.endpoint, auth: former.keys.auth },
    }),
  });
}

// Who signs out is told nothing more here; the shop forgets the subscription with the session, too.
self.leaving.push(async () => {
  const subscription = await self.registration.pushManager?.getSubscription();
  await subscription?.unsubscribe();
});
