// Keys: a letter alone, never beside Control, Alt or Meta, nor while somebody types. They can be turned off.
(() => {
  const sheet = document.getElementById("keys");
  const open = document.getElementById("keys-open");
  if (!sheet || !sheet.showModal) return;
  const on = document.getElementById("keys-on");
  const OFF = "summitwatch-keys-off";
  const kept = (what) => { try { return what(localStorage); } catch { return null; } };
  on.checked = kept((it) => it.getItem(OFF)) === null;
  on.addEventListener("change", () => kept((it) => (on.checked ? it.removeItem(OFF) : it.setItem(OFF, "1"))));
  open.hidden = false;
  open.querySelector("button").addEventListener("click", () => sheet.showModal());
  const rows = () => [...document.querySelectorAll("main .title a, main .stories h2 a, main .results h2 a, main tbody th a, main .topic-list > li > a")];
  const step = (by) => {
    const all = rows();
    const at = all.indexOf(document.activeElement);
    const to = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
    if (to) to.focus();
  };
  let goes = -Infinity;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    const { key } = event;
    // The sheet itself opens always: there it is turned on again.
    if (key === "?") {
      event.preventDefault();
      return sheet.open ? sheet.close() : sheet.showModal();
    }
    if (!on.checked || sheet.open) return;
    const going = event.timeStamp - goes < 1500;
    goes = -Infinity;
    if (going) {
      const link = [...sheet.querySelectorAll("a[data-key]")].find((it) => it.dataset.key === key);
      if (link) { event.preventDefault(); location.href = link.href; }
    } else if (key === "g") goes = event.timeStamp;
    else if (key === "j") step(1);
    else if (key === "k") step(-1);
    else if (key === "/") {
      event.preventDefault();
      const field = document.querySelector("main input[type=search], main .find input");
      if (field) field.focus();
      else location.href = sheet.querySelector("a[data-key=q]").href;
    }
  });
})();
