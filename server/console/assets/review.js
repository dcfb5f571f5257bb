// Keys for reviewers, and clocks that go on. Everything works without it, too.
(() => {
  const page = document.body.dataset.keys;
  if (!page) return;
  const rows = [...document.querySelectorAll("[data-row]")];
  const remembered = "vestibule-review-at";
  let at = -1;

  const show = (i) => {
    if (!rows.length) return;
    at = Math.max(0, Math.min(rows.length - 1, i));
    rows.forEach((r, n) => r.classList.toggle("at", n === at));
    const link = rows[at].querySelector("a");
    if (link) {
      link.focus();
      sessionStorage.setItem(remembered, link.getAttribute("href"));
    }
  };
  const open = (id) => {
    const box = document.getElementById(id);
    if (!box) return;
    box.open = true;
    const first = box.querySelector("[data-first]");
    if (first) first.focus();
  };
  const submit = (selector, within) => {
    const form = (within || document).querySelector(selector);
    if (form) form.requestSubmit();
  };

  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.altKey || e.metaKey) return;
    const typing = e.target.closest("input, select, textarea");
    if (e.key === "Escape") {
      const box = e.target.closest("details[open]") || document.querySelector("#approve[open], #reject[open], #keys[open]");
      if (box) {
        box.open = false;
        if (document.activeElement) document.activeElement.blur();
      } else if (typing) typing.blur();
      else if (page === "one") location.assign("/console/review");
      return;
    }
    if (typing) return;
    switch (e.key) {
      case "j": show(at + 1); break;
      case "k": show(at - 1); break;
      case "c": submit("[data-claim]", page === "queue" && rows[at] ? rows[at] : document); break;
      case "a": open("approve"); break;
      case "r": open("reject"); break;
      case "e": open("reveal"); break;
      case "u": submit("[data-undo]"); break;
      case "?": { const keys = document.getElementById("keys"); keys.open = !keys.open; break; }
      default: return;
    }
    e.preventDefault();
  });

  const before = sessionStorage.getItem(remembered);
  if (page === "queue" && before) {
    const i = rows.findIndex((r) => r.querySelector("a").getAttribute("href") === before);
    if (i >= 0) show(i);
  }

  const spell = (ms) => {
    const s = Math.floor(Math.abs(ms) / 1000), m = Math.floor(s / 60), h = Math.floor(m / 60);
    const two = (n) => String(n).padStart(2, "0");
    if (h >= 48) return Math.floor(h / 24) + " days";
    if (h) return h + " h " + two(m % 60) + " min";
    return m ? m + " min " + two(s % 60) + " s" : s + " s";
  };
  setInterval(() => {
    for (const el of document.querySelectorAll("[data-until]")) {
      const left = Number(el.dataset.until) - Date.now();
      el.textContent = left >= 0 ? spell(left) : "leaves" in el.dataset ? "any moment" : "late by " + spell(left);
    }
  }, 1000);
  // The queue shows what others do; nobody types on that page.
  if (page === "queue") setInterval(() => document.hidden || location.reload(), 20000);
})();
