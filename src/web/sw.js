// Shows what is pushed, and leads to it. It keeps nothing and answers no request.
self.addEventListener("push", (event) => {
  let said = {};
  try { said = event.data.json(); } catch { /* a push without words of ours */ }
  event.waitUntil(self.registration.showNotification(said.title || "summitwatch", {
    body: said.body || "", tag: said.tag, data: { url: said.url }, icon: "icon.png",
  }));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { url } = event.notification.data || {};
  event.waitUntil(self.clients.openWindow(url || self.registration.scope));
});
