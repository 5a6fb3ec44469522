// The figures take their ink and their width from the page once it is laid out.
const figures = document.querySelectorAll(".plotly-graph-div");
function ink() {
  const colour = getComputedStyle(document.body).color;
  figures.forEach((figure) => Plotly.relayout(figure, { "font.color": colour }));
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ink);
figures.forEach((figure) => Plotly.Plots.resize(figure));
ink();
