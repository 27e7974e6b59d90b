// Reads the page again when the archive has something for it. Without it, reloading does the same.
(() => {
  // The dashboard may stand below a path of a proxy.
  const root = document.currentScript.src.replace(/\/assets\/.*$/, "");
  const main = document.querySelector("main[data-live]");
  if (!main || !window.EventSource) return;
  const status = document.getElementById("status");
  const marks = main.dataset.live.split(" ");
  let seen = null, stale = false;
  // Nothing moves under a reader's hands: who selects, types or opens is asked first.
  const busy = () =>
    document.hidden ||
    main.contains(document.activeElement) ||
    String(getSelection()) !== "" ||
    main.querySelector("details[open]");
  const renew = async () => {
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main");
    if (!fresh || busy()) return;
    stale = false;
    main.replaceChildren(...fresh.childNodes);
    status.textContent = "Updated " + new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  };
  const look = () => {
    if (!stale) return;
    if (busy()) status.textContent = "There is news; reload to see it";
    else renew().catch(() => {});
  };
  document.addEventListener("visibilitychange", look);
  main.addEventListener("focusout", () => setTimeout(look));
  new EventSource(root + "/events").addEventListener("marks", (event) => {
    const now = JSON.parse(event.data);
    stale ||= seen !== null && marks.some((it) => now[it] !== seen[it]);
    seen = now;
    look();
  });
})();
