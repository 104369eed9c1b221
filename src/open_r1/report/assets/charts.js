"use strict";
// Charts by Plotly, each drawn when it comes into sight: a page of forty opens as fast as one of four.
(() => {
  const charts = JSON.parse(document.getElementById("data").textContent).charts;
  const colours = ["#1f4e79", "#c8641e", "#3b7d3b", "#8a3b8a", "#7a6a1f", "#2a8a8a", "#a03030", "#555555"];
  const narrow = () => window.innerWidth <= 640;
  // Plotly reads a little HTML in names: metrics are named by users.
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

  function traces(chart) {
    const made = [];
    const first = chart.series[0].run;
    chart.series.forEach((series, place) => {
      const colour = colours[place % colours.length];
      const name = plain(series.label);
      if (chart.kind === "stack") {
        if (series.run === first)
          made.push({ x: series.x, y: series.smooth || series.y, name, mode: "lines", stackgroup: "one", line: { color: colour, width: 1 } });
      } else if (chart.kind === "points") {
        made.push({ x: series.x, y: series.y, name, mode: "markers", marker: { color: colour, size: 5, opacity: 0.6 } });
      } else {
        if (series.smooth)
          made.push({ x: series.x, y: series.y, name, mode: "markers", marker: { color: colour, size: 3, opacity: 0.3 }, showlegend: false, hoverinfo: "skip", legendgroup: series.label });
        const mode = series.y.length > 1 ? "lines" : "markers";
        made.push({ x: series.x, y: series.smooth || series.y, name, mode, line: { color: colour, width: 2 }, legendgroup: series.label });
      }
    });
    return made;
  }

  function draw(place) {
    const chart = charts[place.dataset.chart];
    const positive = chart.series.every((series) => series.y.every((value) => value === null || value >= 0));
    if (chart.series.length > 3) place.style.height = `${280 + 24 * (chart.series.length - 3)}px`; // room for the legend
    const layout = {
      margin: { l: 52, r: 8, t: 28, b: 40 },
      font: { family: "system-ui, sans-serif", size: 12 },
      hovermode: chart.kind === "points" ? "closest" : "x unified",
      dragmode: narrow() ? false : "zoom",
      showlegend: chart.series.length > 1,
      legend: { orientation: "h", y: -0.34 },
      xaxis: { title: { text: chart.x_title, standoff: 4 }, gridcolor: "#e6eaee" },
      yaxis: { title: { text: chart.unit }, gridcolor: "#e6eaee", zeroline: false, rangemode: positive ? "nonnegative" : "normal", automargin: true },
    };
    Plotly.newPlot(place, traces(chart), layout, {
      responsive: true, displaylogo: false, modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
    });
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries)
      if (entry.isIntersecting) {
        seen.unobserve(entry.target);
        draw(entry.target);
      }
  }, { rootMargin: "300px" });
  document.querySelectorAll(".chart").forEach((place) => seen.observe(place));
})();
