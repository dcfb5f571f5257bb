// Follows the news of the page it stands on: rows of the list, or one journey.
// The HTML comes from the same server, which escapes every value.
(() => {
  const body = document.body;
  const address = body.dataset.live;
  if (!address || !window.EventSource) return;
  const light = document.getElementById("live");
  const source = new EventSource(address);
  source.onopen = () => light && light.classList.add("on");
  source.onerror = () => light && light.classList.remove("on");
  source.onmessage = (event) => {
    const news = JSON.parse(event.data);
    if (body.dataset.body) {
      const place = document.getElementById(body.dataset.body);
      if (place) place.innerHTML = news.html;
      return;
    }
    const rows = document.getElementById(body.dataset.rows);
    if (!rows) return;
    const holder = document.createElement("tbody");
    holder.innerHTML = news.html;
    const row = holder.firstElementChild;
    if (!row) return;
    row.classList.add("fresh");
    const old = document.getElementById(row.id);
    if (old) old.replaceWith(row);
    else {
      const started = Number(row.dataset.started);
      const next = [...rows.children].find((r) => Number(r.dataset.started) < started);
      rows.insertBefore(row, next || null);
    }
    const empty = document.getElementById("empty");
    if (empty) empty.remove();
  };
  addEventListener("pagehide", () => source.close());
})();
