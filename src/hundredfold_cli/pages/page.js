// Draws the charts of a page from the data that stands in it. Colours are the page's own, so that charts follow light
// and dark with it.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 4 });
  const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 });
  const small = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });
  const axisNumber = (value) =>
    Math.abs(value) >= 10000 ? short.format(value) : Math.abs(value) < 0.01 ? small.format(value) : number.format(value);
  // A label that reads like the one before it says nothing.
  const distinct = (format) => {
    let last = null;
    return (value, index) => {
      const text = format(value);
      if (index > 0 && text === last) return "";
      last = text;
      return text;
    };
  };
  const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const colour = (series, index) => css(series.colour || `c${(index % 10) + 1}`);
  const clock = (ms, seconds) =>
    new Date(ms).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined });

  function axis(extra) {
    return {
      axisLine: { lineStyle: { color: css("line") } },
      axisTick: { show: false },
      axisLabel: { color: css("soft"), hideOverlap: true, ...(extra.axisLabel || {}) },
      splitLine: { show: extra.type === "value" && extra.split !== false, lineStyle: { color: css("line") } },
      nameTextStyle: { color: css("soft") },
      ...Object.fromEntries(Object.entries(extra).filter(([key]) => !["axisLabel", "split"].includes(key))),
    };
  }
  function base(chart, legend) {
    return {
      animation: false,
      aria: { enabled: false }, // the place of each chart has a label of its own
      textStyle: { color: css("ink"), fontFamily: "system-ui, sans-serif" },
      grid: { left: 8, right: chart.right || 18, top: legend ? 34 : 14, bottom: 6, containLabel: true },
      legend: legend
        ? { type: "scroll", top: 0, left: 0, itemWidth: 14, itemHeight: 9, textStyle: { color: css("soft") },
            pageTextStyle: { color: css("soft") }, pageIconColor: css("soft"), pageIconInactiveColor: css("line") }
        : undefined,
      tooltip: {
        confine: true, backgroundColor: css("card"), borderColor: css("line"), textStyle: { color: css("ink"), fontSize: 13 },
      },
    };
  }

  // counts have no marks between them
  const whole = (values) => (values.every(Number.isInteger) ? { minInterval: 1 } : {});

  const kinds = {
    // categories x series, upright or lying
    bars(chart) {
      const lying = chart.lying;
      const names = axis({ type: "category", data: chart.categories, inverse: lying,
        axisLabel: lying ? { width: 130, overflow: "break" } : { interval: chart.all ? 0 : "auto" } });
      const unit = chart.percent ? (v) => `${number.format(v)} %` : axisNumber;
      const values = axis({ type: "value", axisLabel: { formatter: distinct(unit) }, ...whole(chart.series.flatMap((s) => s.values)) });
      const option = base(chart, chart.series.length > 1);
      if (lying) Object.assign(option.grid, { left: 16, right: 34 });
      option.tooltip = { ...option.tooltip, trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { opacity: 0.15 } },
        valueFormatter: (v) => (chart.percent ? `${number.format(v)} %` : number.format(v)) };
      return { ...option, [lying ? "yAxis" : "xAxis"]: names, [lying ? "xAxis" : "yAxis"]: values,
        series: chart.series.map((s, i) => ({ type: "bar", name: s.name, data: s.values, stack: chart.stacked ? "all" : undefined,
          itemStyle: { color: colour(s, i), borderRadius: chart.stacked ? 0 : 2 }, barMaxWidth: 34, barGap: "8%" })) };
    },
    // values over time
    lines(chart) {
      const option = base(chart, true);
      const points = chart.series.flatMap((s) => s.points);
      const times = points.map((p) => p[0]);
      const span = Math.max(...times) - Math.min(...times);
      const alone = new Set(times).size === 1;
      // A line goes on only to the next period. Where nothing was measured between, there are points.
      const broken = (points) => points.flatMap((p, i) =>
        i && p[0] - points[i - 1][0] > 1.5 * (chart.period || Infinity) ? [[points[i - 1][0] + 1, null], p] : [p]);
      option.tooltip = { ...option.tooltip, trigger: "axis", valueFormatter: (v) => (v == null ? "-" : number.format(v)) };
      const bars = chart.stacked || alone;
      const time = alone
        ? axis({ type: "category", data: [clock(times[0], true)] })
        : axis({ type: "time", axisLabel: { formatter: distinct((ms) => clock(ms, span < 600000)) } });
      const marks = chart.thresholds.map((t) => ({ yAxis: t.value, label: { formatter: `${t.label} ${t.value}`, color: css("bad"),
        position: "insideStartTop" } }));
      return { ...option, xAxis: time, yAxis: axis({ type: "value", min: 0, axisLabel: { formatter: distinct(axisNumber) }, ...whole(points.map((p) => p[1])),
          max: chart.thresholds.length ? (v) => (chart.thresholds.every((t) => v.max > t.value) ? null : Math.max(...chart.thresholds.map((t) => t.value)) * 1.25) : undefined }),
        series: chart.series.map((s, i) => ({ type: bars ? "bar" : "line", name: s.name,
          data: alone ? [s.points.length ? s.points[0][1] : null] : bars ? s.points : broken(s.points), connectNulls: false, stack: chart.stacked ? "all" : undefined, barMaxWidth: 34,
          symbol: "circle", symbolSize: s.points.length < 40 ? 6 : 3, showSymbol: true, lineStyle: { width: 2 },
          itemStyle: { color: colour(s, i) },
          markLine: i === 0 && marks.length ? { silent: true, symbol: "none", lineStyle: { color: css("bad"), type: "dashed" }, data: marks } : undefined })) };
    },
    // counts of pairs of labels: what agrees is on the diagonal
    matrix(chart) {
      const option = base(chart, false);
      const most = Math.max(1, ...chart.cells.map((c) => c[2]));
      const names = (extra) => axis({ type: "category", data: chart.labels, axisLabel: { width: 120, overflow: "truncate" }, ...extra });
      option.tooltip = { ...option.tooltip, formatter: ({ value }) =>
        `${escape(chart.down)}: <b>${escape(chart.labels[value[1]])}</b><br>${escape(chart.across)}: ` +
        `<b>${escape(chart.labels[value[0]])}</b><br>${number.format(value[2])} records` };
      return { ...option,
        xAxis: names({ position: "top" }), yAxis: names({ inverse: true }),
        series: [{ type: "heatmap", encode: { x: 0, y: 1, value: 2 },
          data: chart.cells.map((c) => ({ value: c,
            itemStyle: { color: echarts.color.modifyAlpha(css(c[0] === c[1] ? "good" : "bad"), c[2] ? 0.15 + 0.85 * (c[2] / most) : 0.04),
              borderColor: css("card"), borderWidth: 2 },
            label: { show: true, formatter: number.format(c[2]), color: c[2] / most > 0.5 ? css("card") : css("ink") } })) }] };
    },
    // a bar for each batch in the row of its worker
    gantt(chart) {
      const option = base(chart, false);
      const styles = { start: css("c3"), batch: css("main"), rejected: css("warn"), slow: css("c4") };
      const says = { start: "environment starts", batch: "batch", rejected: "batch with rejections", slow: "straggler" };
      option.tooltip = { ...option.tooltip, formatter: ({ value }) =>
        `<b>${says[value[3]]}${value[4] === null ? "" : ` ${value[4]}`}</b><br>${escape(chart.workers[value[0]])}<br>` +
        `from ${number.format(value[1])} s, ${number.format((value[2] - value[1]) * 1000)} ms` };
      return { ...option,
        grid: { ...option.grid, top: 8, bottom: 24 },
        xAxis: axis({ type: "value", min: 0, max: chart.seconds, name: "seconds", nameLocation: "middle", nameGap: 24 }),
        yAxis: axis({ type: "category", data: chart.workers, inverse: true, axisLabel: { width: 74, overflow: "truncate" } }),
        series: [{ type: "custom", encode: { x: [1, 2], y: 0 }, data: chart.items, clip: true,
          renderItem: (params, api) => {
            const row = api.value(0), from = api.coord([api.value(1), row]), to = api.coord([api.value(2), row]);
            const height = Math.max(3, api.size([0, 1])[1] * 0.62);
            return { type: "rect", shape: { x: from[0], y: from[1] - height / 2, width: Math.max(1, to[0] - from[0] - 0.5), height },
              style: { fill: styles[api.value(3)] } };
          } }] };
    },
  };

  const drawn = [];
  function draw() {
    for (const place of document.querySelectorAll(".chart")) {
      const chart = data[place.dataset.chart];
      let made = drawn.find((d) => d.place === place);
      if (!made) {
        made = { place, chart: echarts.init(place, null, { renderer: "canvas" }) };
        drawn.push(made);
      }
      made.chart.setOption(kinds[chart.kind](chart), true);
    }
    document.documentElement.dataset.drawn = drawn.length;
  }
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", () => drawn.forEach((d) => d.chart.resize()));
})();
