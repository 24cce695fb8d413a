"use strict";
// Draws each figure when it comes near the window, in the colours of the page's scheme.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const views = new Map();

  // figures are stored in the light scheme's colours
  const themed = (json) =>
    json
      .replaceAll("#202124", colour("--ink"))
      .replaceAll("#dadce0", colour("--line"))
      .replaceAll("#fefefe", colour("--paper"));

  async function draw(plot) {
    const item = JSON.parse(themed(plot.nextElementSibling.textContent));
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

  for (const plot of document.querySelectorAll(".plot")) watch.observe(plot);
  dark.addEventListener("change", () => {
    for (const [plot, view] of views) {
      view.clear();
      plot.replaceChildren();
      draw(plot);
    }
  });
})();
