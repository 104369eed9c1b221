"""The charts as PNG figures, for papers and slides."""

from pathlib import Path

from open_r1.report.charts import Chart, Section

COLOURS = ("#1f4e79", "#c8641e", "#3b7d3b", "#8a3b8a", "#7a6a1f", "#2a8a8a", "#a03030", "#555555")
WIDTH, HEIGHT, COLUMNS = 5.0, 3.6, 3  # inches of a panel, panels in a row


def write_figures(sections: list[Section], folder: Path, title: str) -> list[Path]:
    """One PNG a section, and reward_and_length.png with the two that go together; returns their paths."""
    import matplotlib

    matplotlib.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    charts = {chart.id: chart for section in sections for chart in section.charts}
    figures = {section.id: section.charts for section in sections}
    both = [charts[name] for name in ("reward", "length") if name in charts]
    if both:
        figures = {"reward_and_length": both} | figures
    return [_figure(panels, folder / f"{name}.png", title) for name, panels in figures.items()]


def _figure(charts: list[Chart], path: Path, title: str) -> Path:
    from matplotlib import pyplot

    columns = min(COLUMNS, len(charts))
    rows = -(-len(charts) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(WIDTH * columns, HEIGHT * rows), layout="constrained", squeeze=False
    )
    for panel in axes.flat[len(charts) :]:
        panel.set_axis_off()
    for panel, chart in zip(axes.flat, charts, strict=False):
        _draw(panel, chart)
    figure.suptitle(title)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
    return path


def _draw(panel, chart: Chart) -> None:
    if chart.kind == "stack":
        first = chart.series[0].run  # parts of a whole cannot be overlaid
        parts = [series for series in chart.series if series.run == first]
        steps = max((series.x for series in parts), key=len)
        heights = [dict(zip(part.x, part.y if part.smooth is None else part.smooth, strict=True)) for part in parts]
        panel.stackplot(
            steps,
            [[height.get(step, 0.0) for step in steps] for height in heights],
            labels=[part.label for part in parts],
            colors=COLOURS,
        )
    for place, series in enumerate(chart.series if chart.kind != "stack" else []):
        colour = COLOURS[place % len(COLOURS)]
        if chart.kind == "points" or series.smooth is not None:
            label = series.label if chart.kind == "points" else None
            panel.plot(series.x, series.y, ".", color=colour, alpha=0.35, markersize=4, label=label)
        if chart.kind == "lines":
            y = series.y if series.smooth is None else series.smooth
            panel.plot(series.x, y, color=colour, label=series.label, marker="." if len(y) == 1 else None)
    panel.set_title(chart.title)
    panel.set_xlabel(chart.x_title)
    panel.set_ylabel(chart.unit)
    panel.grid(alpha=0.3)
    if len(chart.series) > 1:
        panel.legend(fontsize="small")
