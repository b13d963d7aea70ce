"use strict";
// Finds volumes, lists the images of one when it is opened, and says how old the page is.
(() => {
  const rows = [...document.querySelectorAll(".volumes .row")];
  const places = new Map(rows.map((row, place) => [row, place]));
  let facts;
  let texts;

  const element = (name, text = "", attributes = {}) => {
    const made = document.createElement(name);
    made.textContent = text;
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    return made;
  };

  const size = (mib) =>
    mib < 0 ? "-" : mib < 1024 ? `${mib} MiB` : `${(mib / 1024).toFixed(1)} GiB`;

  const slot = (minutes) =>
    `${new Date(minutes * 60000).toISOString().slice(0, 16).replace("T", " ")}Z`;

  function listImages(details) {
    facts ??= JSON.parse(document.getElementById("facts").textContent);
    const row = details.closest(".row");
    const name = row.querySelector("h3").textContent;
    const box = element("div", "", { class: "scroll", role: "region", tabindex: "0", "aria-label": `Images of ${name}` });
    const table = element("table", "", { class: "text" });
    const head = table.createTHead().insertRow();
    ["Slot", "Is", "Size", "What becomes of it", "Under"].forEach((title) => {
      head.append(element("th", title, { scope: "col" }));
    });
    const body = table.createTBody();
    for (const [minutes, mark, mib, fate, group] of facts.volumes[places.get(row)]) {
      const line = body.insertRow();
      line.append(element("th", slot(minutes), { scope: "row" }));
      [facts.marks[mark], size(mib), facts.words[fate], facts.words[group]].forEach((text) => {
        line.append(element("td", text));
      });
    }
    box.append(table);
    details.append(box);
  }

  document.addEventListener("toggle", ({ target }) => {
    if (target.open && !target.querySelector("table")) {
      listImages(target);
    }
  }, true);

  const field = document.getElementById("find");
  const found = document.getElementById("found");

  function find() {
    texts ??= rows.map((row) => row.textContent.toLowerCase());
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = texts.map((text) => words.every((word) => text.includes(word)));
    rows.forEach((row, place) => { row.hidden = !fitting[place]; });
    for (const section of document.querySelectorAll(".fleet")) {
      section.hidden = words.length > 0 && !section.querySelector(".volumes .row:not([hidden])");
    }
    document.documentElement.classList.toggle("finding", words.length > 0);
    found.textContent = words.length ? `${fitting.filter(Boolean).length} of ${rows.length} volumes` : "";
  }

  let waiting;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, 100);
  });

  const hours = Math.floor((Date.now() - Date.parse(document.getElementById("at").dateTime)) / 3600000);
  const ago = document.getElementById("ago");
  if (hours >= 1) {
    ago.textContent = hours < 72 ? `, ${hours} h ago` : `, ${Math.floor(hours / 24)} days ago`;
    ago.classList.toggle("over", hours >= 26);
  }
  document.documentElement.classList.add("scripted");
  if (field.value) {
    find(); // a browser remembers what was written there
  }
})();
