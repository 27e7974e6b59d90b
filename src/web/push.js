// Subscribes this browser to a channel of kind webpush, and ends that.
(() => {
  const root = document.currentScript.src.replace(/\/assets\/.*$/, "");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (it) => it.charCodeAt(0));
  for (const box of document.querySelectorAll("[data-push]")) {
    const { push: channel, key } = box.dataset;
    const button = box.querySelector("button");
    const said = box.querySelector("[role=status]");
    const say = (text) => { said.textContent = text; };
    if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
      say(window.isSecureContext ? "This browser knows no web push." : "Browsers subscribe only over https, or on this machine.");
      continue;
    }
    const call = async (path, body) => {
      const answer = await fetch(`${root}/api/v1/push/${encodeURIComponent(channel)}${path}`, {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error((await answer.json()).error);
      return answer.json();
    };
    const registration = navigator.serviceWorker.register(`${root}/sw.js`);
    let subscription = null, here = false;
    const show = async () => {
      subscription = await (await registration).pushManager.getSubscription();
      here = !!subscription && (await call("/known", { endpoint: subscription.endpoint })).known;
      button.textContent = here ? "Stop notifying this browser" : "Notify this browser";
      button.hidden = false;
    };
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        if (here) {
          // Other channels may tell it by the same subscription, which stays.
          await call("/end", { endpoint: subscription.endpoint });
          say("This browser is told no more.");
        } else {
          await navigator.serviceWorker.ready;
          const { pushManager } = await registration;
          const subscribe = () => pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
          const made = await subscribe().catch(async (error) => {
            // It has one that was made with another key of ours.
            if (!subscription || error.name !== "InvalidStateError") throw error;
            await subscription.unsubscribe();
            return subscribe();
          });
          await call("", made.toJSON());
          say("This browser is told from now on.");
        }
        await show();
      } catch (error) {
        say(Notification.permission === "denied" ? "This browser was told to refuse notifications; its settings for this site change that." : String(error.message || error));
      }
      button.disabled = false;
    });
    show().catch((error) => say(String(error.message || error)));
  }
})();
