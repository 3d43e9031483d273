// Draws the figures from the data in the page, in the colours of the reader's theme, and hands the data out.
"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const INKS = {
    light: { ink: "#1c2126", soft: "#5b6670", rule: "#e8eaed", page: "#ffffff" },
    dark: { ink: "#e4e7ea", soft: "#9aa5ae", rule: "#2d3338", page: "#14181b" },
  };
  const NARROW = 560; // pixels
  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const merge = (base, over) => {
    const out = { ...base };
    for (const [key, value] of Object.entries(over)) {
      out[key] = isObject(value) && isObject(base[key]) ? merge(base[key], value) : value;
    }
    return out;
  };
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  function themed(layout, ink) {
    const out = merge(layout, {
      font: { family: FONT, size: 12.5, color: ink.ink },
      hoverlabel: { bgcolor: ink.page, bordercolor: ink.soft, font: { color: ink.ink, family: FONT }, align: "left" },
    });
    for (const key of Object.keys(out).filter((name) => /^[xy]axis/.test(name))) {
      out[key] = merge(out[key], { gridcolor: ink.rule, linecolor: ink.soft, tickcolor: ink.soft });
      out[key].tickfont = { color: ink.soft };
    }
    out.annotations = (out.annotations || []).map((note) => merge(note, { font: { color: ink.soft } }));
    return out;
  }

  // On a phone the colour scale lies under the plot, and the legend too.
  function laidOut(figure, narrow) {
    if (!narrow) return { data: figure.data, layout: figure.layout };
    const layout = merge(merge(figure.layout, figure.narrow), { dragmode: false });
    const lying = { orientation: "h", x: 0.5, xanchor: "center", y: 1.02, yanchor: "bottom", len: 1, thickness: 8, ypad: 0 };
    layout.legend = merge(layout.legend, { orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom" });
    const data = figure.data.map((trace) =>
      trace.marker && trace.marker.colorbar ? merge(trace, { marker: { colorbar: lying } }) : trace);
    return { data, layout };
  }

  function draw(figure, palette) {
    const box = document.querySelector(`[data-figure="${figure.name}"]`);
    figure.narrow_now = box.clientWidth < NARROW;
    const { data, layout } = laidOut(figure, figure.narrow_now);
    box.style.minHeight = `${layout.height}px`;
    const copy = structuredClone({ data, layout: themed(layout, palette) }); // plotly writes into what it is given
    if (palette === INKS.dark) {
      for (const trace of copy.data) { // a pale veil is lost on a dark page
        if (trace.fillcolor) trace.fillcolor = trace.fillcolor.replace(/[\d.]+\)$/, "0.45)");
      }
    }
    Plotly.react(box, copy.data, copy.layout,
      { displaylogo: false, responsive: true, displayModeBar: false, plotlyServerURL: "", showEditInChartStudio: false });
  }
  const drawAll = () => figures.forEach((figure) => draw(figure, INKS[dark.matches ? "dark" : "light"]));

  function csv(table) {
    const cell = (value) => {
      const text = value === null ? "" : String(value);
      return /[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
    };
    return [table.columns, ...table.rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  function save(figure) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(figure.table)], { type: "text/csv" }));
    link.download = `${figure.name}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function picture(figure) {
    const layout = merge(themed(figure.layout, INKS.light), {
      paper_bgcolor: "#ffffff", margin: merge(figure.layout.margin, { t: 56 }),
      title: { text: plain(figure.title), x: 0.02, xanchor: "left", font: { size: 16 } },
    });
    const copy = structuredClone({ data: figure.data, layout });
    Plotly.downloadImage(copy, { format: "png", width: 960, height: figure.layout.height + 40, scale: 2, filename: figure.name });
  }

  const named = (name) => figures.find((figure) => figure.name === name);
  document.addEventListener("click", (event) => {
    const { csv: data, image } = event.target.dataset || {};
    if (data) save(named(data));
    if (image) picture(named(image));
  });
  dark.addEventListener("change", drawAll);
  addEventListener("resize", () => figures.forEach((figure) => {
    const box = document.querySelector(`[data-figure="${figure.name}"]`);
    if (box.clientWidth < NARROW !== figure.narrow_now) draw(figure, INKS[dark.matches ? "dark" : "light"]);
  }));
  addEventListener("beforeprint", () => figures.forEach((figure) => draw(figure, INKS.light)));
  addEventListener("afterprint", drawAll);
  drawAll();
})();
