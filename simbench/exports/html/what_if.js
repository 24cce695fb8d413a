"use strict";
// Sliders over prices that are all in the page: what a setting costs is looked up, not worked out.
(async () => {
  const boxes = await Promise.all([...document.querySelectorAll(".what-if")].map(async (figure) => {
    const { name, sliders, cells } = JSON.parse(await unpacked(figure.querySelector("script")));
    const inputs = [...figure.querySelectorAll("input")];
    return { figure, name, sliders, cells, inputs };
  }));
  const encode = encodeURIComponent;

  function show({ figure, sliders, cells, inputs }) {
    let place = 0;
    const set = [];
    sliders.forEach(({ values, shown, settings }, number) => {
      const input = inputs[number];
      const index = Number(input.value);
      place = place * values.length + index;
      input.setAttribute("aria-valuetext", shown[index]);
      input.nextElementSibling.textContent = shown[index];
      set.push(...settings[index].map((setting) => `--set ${setting}`));
    });
    const cell = cells[place];
    const said = Array.isArray(cell) ? cell : [cell, "–", "–"];
    figure.querySelectorAll(".priced dd").forEach((dd, number) => (dd.textContent = said[number]));
    figure.querySelector("code").textContent = set.join(" ") || "the board as it is";
  }

  // #result-0?clock=60MHz&placement.weights=sram;result-3?...: what is not where it began
  const changed = ({ name, sliders, inputs }) => {
    const said = sliders.flatMap(({ name, values, start }, number) => {
      const index = Number(inputs[number].value);
      return index === start ? [] : [`${encode(name)}=${encode(values[index])}`];
    });
    return said.length ? [`${encode(name)}?${said.join("&")}`] : [];
  };

  function keep() {
    const said = boxes.flatMap(changed).join(";");
    history.replaceState(null, "", said ? `#${said}` : "#");
  }

  const begin = ({ sliders, inputs }) =>
    sliders.forEach(({ start }, number) => (inputs[number].value = start));

  function restore() {
    const parts = location.hash.slice(1).split(";").map((part) => part.split("?"));
    if (!parts.some(([, query]) => query)) return;
    boxes.forEach(begin);
    for (const [name, query] of parts) {
      const box = boxes.find((each) => encode(each.name) === name);
      for (const [path, value] of box ? new URLSearchParams(query) : []) {
        const number = box.sliders.findIndex((slider) => slider.name === path);
        const index = number < 0 ? -1 : box.sliders[number].values.indexOf(value);
        if (index >= 0) box.inputs[number].value = index;
      }
    }
    boxes.forEach(show);
    boxes.find((each) => encode(each.name) === parts[0][0])?.figure.scrollIntoView();
  }

  for (const box of boxes) {
    box.figure.addEventListener("input", () => show(box));
    box.figure.addEventListener("change", keep); // browsers bear few changes of the address a second
    box.figure.querySelector("button").addEventListener("click", () => { begin(box); show(box); keep(); });
    show(box);
  }
  restore();
  addEventListener("hashchange", restore);
})();
