"use strict";

async function unpacked(node) {
  const bytes = Uint8Array.from(atob(node.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// Draws each figure, those near the window first, in the colours of the page's scheme.
(() => {
  // the day of the file, which is not in it: equal results give equal bytes
  const day = new Date(document.lastModified).toLocaleDateString("sv");
  document.getElementById("made").append(` · ${day}`);

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const views = new Map();
  const plots = [...document.querySelectorAll(".plot")];

  const library = unpacked(document.getElementById("library")).then((text) => {
    const script = document.createElement("script");
    script.textContent = text; // the page's policy knows its hash
    document.head.append(script);
  });

  // figures are stored in the light scheme's colours
  const themed = (json) =>
    json
      .replaceAll("#202124", colour("--ink"))
      .replaceAll("#dadce0", colour("--line"))
      .replaceAll("#fefefe", colour("--paper"));

  async function draw(plot) {
    if (plot.dataset.drawn) return;
    plot.dataset.drawn = "soon";
    await library;
    const item = JSON.parse(themed(await unpacked(plot.nextElementSibling)));
    views.set(plot, await Bokeh.embed.embed_item(item, plot));
    plot.dataset.drawn = "yes";
  }

  const watch = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries)
      if (isIntersecting) {
        watch.unobserve(target);
        draw(target);
      }
  }, { rootMargin: "400px" });

  // all of them at last: what was never seen is printed too
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 50));
  async function rest() {
    const next = plots.find((plot) => !plot.dataset.drawn);
    if (!next) return;
    await draw(next);
    idle(rest, { timeout: 500 });
  }

  for (const plot of plots) watch.observe(plot);
  library.then(() => idle(rest, { timeout: 500 }));
  addEventListener("beforeprint", () => plots.forEach(draw));
  dark.addEventListener("change", () => {
    for (const [plot, view] of views) {
      view.clear();
      plot.replaceChildren();
      delete plot.dataset.drawn;
      draw(plot);
    }
  });
})();
