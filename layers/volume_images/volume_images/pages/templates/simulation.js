"use strict";
// Shows any day of the simulation: what the page itself says is its last one.
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const slider = document.getElementById("day");
  const shown = document.getElementById("date");
  const states = ["kept", "announced", "deleted"];

  const stateOf = ([, expired, gone], day) =>
    expired < 0 || day < expired ? "kept" : day < gone ? "announced" : "deleted";

  const said = (counts) =>
    states.filter((state) => counts[state]).map((state) => `${counts[state]} ${state}`).join(", ") || "no image";

  const policies = [...document.querySelectorAll(".policy")].map((section, place) => ({
    ...facts.policies[place],
    months: [...section.querySelectorAll(".fates .month")].map((month) => ({
      name: month.querySelector(".name").textContent,
      box: month.querySelector(".cells"),
      cells: [...month.querySelectorAll(".cell")],
    })),
    at: section.querySelector(".at"),
    numbers: [...section.querySelectorAll(".now dd")],
  }));

  function showCell(element, groups, day, total) {
    const counts = { kept: 0, announced: 0, deleted: 0 };
    for (const group of groups) {
      if (group[0] <= day) {
        counts[stateOf(group, day)] += group[3];
      }
    }
    const state = states.find((name) => counts[name]) ?? "none";
    element.classList.remove(...states, "none");
    element.classList.add(state);
    element.title = `${element.title.slice(0, 10)}: ${said(counts)}`;
    states.forEach((name) => { total[name] += counts[name]; });
  }

  function show(day) {
    shown.textContent = facts.dates[day];
    slider.setAttribute("aria-valuetext", facts.dates[day]);
    for (const { cells, ends, months, at, numbers } of policies) {
      let place = 0;
      for (const month of months) {
        const total = { kept: 0, announced: 0, deleted: 0 };
        for (const element of month.cells) {
          showCell(element, cells[place++], day, total);
        }
        month.box.setAttribute("aria-label", `${month.name}: ${said(total)}`);
      }
      numbers.forEach((element, number) => { element.textContent = ends[day][number]; });
      at.setAttribute("x1", day + 1);
      at.setAttribute("x2", day + 1);
    }
  }

  let waiting = false;
  slider.addEventListener("input", () => {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => { waiting = false; show(Number(slider.value)); });
    }
  });
  document.getElementById("time").hidden = false;
  if (Number(slider.value) !== facts.dates.length - 1) {
    show(Number(slider.value)); // a browser remembers where it stood
  }
})();
