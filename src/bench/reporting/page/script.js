"use strict";
// Each run of the page has all its leaderboards as data; a view picks one of them. Where the tables are
// filtered, what depends on them is computed again here, and what cannot be is shown in grey with the reason.

const RATIO_SCALE = 1000;
const TIE = Math.log(1.05);
const SHOWN_UP_TO = Math.log(100);
const RESAMPLES = 2000;
const SMALL_ROWS = 2000;
const FIELDS = ["by", "show", "size", "axis", "at", "metric", "failures", "problem", "rows", "kind", "table", "find", "sort"];

// As bench.analysis.columns.error_change: whole per cent of the error, -12 is 12 % lower.
function change(ratio) {
  if (ratio < -SHOWN_UP_TO) return ">" + Math.round(100 * Math.expm1(SHOWN_UP_TO));
  const per = Math.round(100 * Math.expm1(-ratio));
  return per === 0 ? "0" : (per > 0 ? "+" : "") + per;
}

function mean(values) { return values.reduce((sum, value) => sum + value, 0) / values.length; }

// Mulberry32: the same draws in every browser, so that a link shows the same interval again.
function drawer(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// The ends of the 95 % percentile bootstrap interval of a mean; null for fewer than two values.
function interval(values) {
  if (values.length < 2) return null;
  const draw = drawer(values.length), means = [];
  for (let i = 0; i < RESAMPLES; i++) {
    let sum = 0;
    for (let j = 0; j < values.length; j++) sum += values[Math.floor(draw() * values.length)];
    means.push(sum / values.length);
  }
  means.sort((a, b) => a - b);
  return [means[Math.round(0.025 * (RESAMPLES - 1))], means[Math.round(0.975 * (RESAMPLES - 1))]];
}

function estimate(values) {
  if (!values.length) return "-";
  const ends = interval(values), own = change(mean(values)) + " %";
  return ends ? `${own} [${change(ends[1])}, ${change(ends[0])}]` : own;
}

function element(tag, attributes, text) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

class Run {
  constructor(section) {
    this.section = section;
    this.data = JSON.parse(section.querySelector("script.boards").textContent);
    this.form = section.querySelector("form.controls");
    this.table = section.querySelector("table");
    this.status = section.querySelector(".status");
    this.only = true;
    this.fill();
    this.initial = this.state();
    this.form.hidden = false;
    this.form.addEventListener("input", (event) => this.changed(event));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.control("reset").addEventListener("click", () => { this.restore(this.initial); this.keep(); this.draw(); });
    this.control("csv").addEventListener("click", () => this.save());
  }

  control(name) { return this.form.elements[name]; }

  fill() {
    const { axes, sizes, metrics, traits } = this.data;
    for (const [name, title] of Object.entries(metrics)) this.control("metric").append(element("option", { value: name }, title));
    this.form.querySelector('[data-only="metrics"]').hidden = !Object.keys(metrics).length;
    for (const size of sizes) this.control("size").append(element("option", { value: size ?? "" }, size ?? "all"));
    for (const axis of Object.keys(axes)) this.control("axis").append(element("option", { value: axis }, axis));
    const problems = new Set(Object.values(traits).map((each) => each.problem));
    for (const problem of [...problems].sort()) {
      this.control("problem").append(element("option", { value: problem }, problem));
    }
    this.form.querySelector('[data-only="sizes"]').hidden = sizes.length < 2;
    this.form.querySelector('[data-only="axes"]').hidden = Object.keys(axes).length < 2;
    this.scale();
    this.sort = "";
  }

  // Set the slider to the budgets of the chosen axis, at the largest.
  scale() {
    const slider = this.control("at"), amounts = this.amounts();
    slider.max = amounts.length - 1;
    slider.value = amounts.length - 1;
    slider.disabled = amounts.length < 2;
  }

  axis() { return this.byMetric() ? Object.keys(this.data.axes)[0] : this.control("axis").value; }

  amounts() { return this.data.axes[this.axis()] ?? []; }

  // By another metric there is one leaderboard: tuned, at the whole of the first budget.
  byMetric() { return this.control("metric").value !== ""; }

  // Which of the budgets is shown: of defaults, and by another metric, the largest, which is the only one.
  at() {
    const largest = this.byMetric() || this.control("show").value === "default";
    return largest ? this.amounts().length - 1 : Number(this.control("at").value);
  }

  state() {
    const values = {};
    for (const name of FIELDS) values[name] = name === "sort" ? this.sort : this.control(name).value;
    return values;
  }

  restore(values) {
    for (const name of FIELDS) {
      if (values[name] === undefined) continue;
      if (name === "sort") this.sort = values.sort;
      else {
        const control = this.control(name), before = control.value;
        control.value = values[name];
        if (control.value === "" && values[name] !== "") control.value = before; // a link to what is not here
        if (name === "axis") this.scale();
      }
    }
  }

  changed(event) {
    if (event.target.name === "axis") this.scale();
    this.keep();
    this.draw();
  }

  // The view stands in the address, so that a link restores it.
  keep() {
    const now = this.state(), parts = new URLSearchParams();
    for (const name of FIELDS) if (now[name] !== this.initial[name]) parts.set(name, now[name]);
    const view = parts.toString();
    const address = view ? `#view:${this.data.run}:${view}` : `#run-${this.data.run}`;
    try { history.replaceState(null, "", address); } catch { location.hash = address; }
  }

  board() {
    const metric = this.control("metric").value, by = this.control("by").value;
    const at = this.byMetric() ? [metric, by, "tuned", "fallback"] : ["", by, this.control("show").value, this.control("failures").value];
    return this.data.boards[[this.control("size").value, ...at, this.axis(), this.at()].join("|")];
  }

  text(number) { return this.data.texts[number]; }

  // Which columns of the ratios are of tables that the filters keep; null for all of them.
  kept(board) {
    const problem = this.control("problem").value, rows = this.control("rows").value, kind = this.control("kind").value;
    const named = this.control("table").value.trim().toLowerCase();
    if (!problem && !rows && !kind && !named) return null;
    return board.datasets.map((number, column) => [this.data.traits[this.text(number)], column, this.text(number)])
      .filter(([of, , name]) => of && name.toLowerCase().includes(named)
        && (!problem || of.problem === problem)
        && (!rows || (rows === "small") === (of.rows <= SMALL_ROWS))
        && (!kind || (kind === "numeric") === (of.categorical === 0)))
      .map(([, column]) => column);
  }

  // The lines of the view: cells with their text and sort key, grey where they are of all tables together.
  lines(board, kept) {
    const fields = board.fields.map((number) => this.text(number));
    return board.lines.map((line, i) => {
      const name = this.text(line[board.name]);
      const place = board.entries.findIndex((number) => this.text(number) === name);
      const ratios = kept && place >= 0 ? kept.map((column) => board.ratios[place][column]).filter((r) => r !== null).map((r) => r / RATIO_SCALE) : [];
      const cells = line.map((number, column) => {
        const plain = { text: this.text(number), key: board.keys[i][column], grey: false };
        if (!kept || column === board.name) return plain;
        if (fields[column] === "overall.mean") return { text: estimate(ratios), key: ratios.length ? mean(ratios) : null, grey: false };
        if (fields[column] === "wins") {
          const wins = ratios.filter((r) => r >= TIE).length, losses = ratios.filter((r) => r <= -TIE).length;
          return { text: `${wins}/${ratios.length - wins - losses}/${losses}`, key: wins, grey: false };
        }
        if (fields[column] === "n_tasks") return { text: String(ratios.length), key: ratios.length, grey: false };
        return { ...plain, grey: true };
      });
      return { name, cells, tier: board.keys[i][fields.indexOf("tier")] };
    });
  }

  sorted(board, lines, kept) {
    const fields = board.fields.map((number) => this.text(number));
    const [field, direction] = this.sort.split(" ");
    let column = fields.indexOf(field);
    if (column < 0) {
      if (!kept) return lines;
      column = fields.indexOf("overall.mean"); // best first among the tables that are left
      if (column < 0) return lines;
    }
    const sign = (column === fields.indexOf("overall.mean") && direction === undefined) || direction === "descending" ? -1 : 1;
    const key = (line) => line.cells[column].key;
    return [...lines].sort((a, b) => {
      if (key(a) === null || key(b) === null) return (key(a) === null) - (key(b) === null);
      return sign * (typeof key(a) === "string" ? key(a).localeCompare(key(b)) : key(a) - key(b));
    });
  }

  draw() {
    const board = this.board();
    if (!board) return;
    const kept = this.kept(board), wanted = this.control("find").value.trim().toLowerCase();
    const all = this.sorted(board, this.lines(board, kept), kept);
    const shown = all.filter((line) => line.name.toLowerCase().includes(wanted));
    this.head(board);
    const ranked = !this.sort && !kept;
    this.table.tBodies[0].replaceChildren(...shown.map((line, i) => this.row(board, line, ranked && i > 0 && shown[i - 1].tier !== line.tier)));
    this.shown = { board, lines: shown };
    this.around(board, kept, shown.length, all.length);
  }

  head(board) {
    const row = element("tr", {});
    board.headings.forEach((number, column) => {
      const field = this.text(board.fields[column]), [sorted, direction] = this.sort.split(" ");
      const cell = element("th", { scope: "col" });
      if (board.left[column]) cell.className = "left";
      if (field === sorted) cell.setAttribute("aria-sort", direction);
      const button = element("button", { type: "button" }, this.text(number));
      button.addEventListener("click", () => {
        const best = field === "overall.mean" || field === "wins" ? "descending" : "ascending";
        const other = best === "ascending" ? "descending" : "ascending";
        this.sort = `${field} ${field === sorted && direction === best ? other : best}`;
        this.keep();
        this.draw();
        this.table.tHead.rows[0].cells[column].firstChild.focus();
      });
      cell.append(button);
      row.append(cell);
    });
    this.table.tHead.replaceChildren(row);
  }

  row(board, line, newTier) {
    const row = element("tr", newTier ? { class: "new-tier" } : {});
    line.cells.forEach((cell, column) => {
      const named = column === board.name;
      const made = element(named ? "th" : "td", named ? { scope: "row", class: "left" } : {});
      if (board.left[column]) made.classList.add("left");
      if (cell.grey) { made.classList.add("grey"); made.title = "of all tables together"; }
      if (named) { made.append(element("bdi", {}, cell.text)); made.title = cell.text; } else made.textContent = cell.text;
      row.append(made);
    });
    return row;
  }

  around(board, kept, nShown, nAll) {
    const amount = this.amounts()[this.at()], axis = this.axis(), unit = axis === "seconds" ? "s" : "trials";
    this.form.querySelector("output").textContent = `${amount} ${unit}`;
    this.control("at").setAttribute("aria-valuetext", `${amount} ${axis}`);
    this.control("at").disabled = this.byMetric() || this.control("show").value === "default" || this.amounts().length < 2;
    for (const name of ["show", "failures", "axis"]) this.control(name).disabled = this.byMetric();
    this.section.querySelector(".view-title").textContent = this.text(board.title);
    this.section.querySelector(".legend").textContent = this.text(board.legend);
    this.table.caption.textContent = `Leaderboard ${this.control("by").value === "family" ? "by family" : "by learner"}`;
    const list = element("ul", { class: "notes" });
    for (const number of board.notes) list.append(element("li", {}, this.text(number)));
    this.section.querySelector(".board-notes").replaceChildren(...(board.notes.length ? [list] : []));
    const said = [];
    if (this.byMetric()) said.push("By another metric the page has the tuned entries at the whole budget; `bench leaderboard --metric` shows any other view.");
    if (kept) {
      said.push(`${kept.length} of ${board.datasets.length} tables are kept: the change of the error with its interval, wins and the number of tables are computed anew of these; what is grey was found on all tables together (tiers are tests of all of them, ranks and costs are of all their splits).`);
    }
    if (nShown < nAll) said.push(`${nShown} of ${nAll} entries are shown; tiers and ranks are among all ${nAll}.`);
    this.status.textContent = said.join(" ");
  }

  // What is on the screen, as a file; names that a spreadsheet would run are quoted as text.
  save() {
    const cell = (text) => `"${(/^[=+\-@\t\r]/.test(text) && !/^[+-]?[\d>]/.test(text) && text !== "-" ? "'" + text : text).replaceAll('"', '""')}"`;
    const { board, lines } = this.shown;
    const rows = [board.headings.map((number) => this.text(number)), ...lines.map((line) => line.cells.map((each) => each.text))];
    const csv = rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
    const link = element("a", { href: URL.createObjectURL(new Blob([csv], { type: "text/csv" })), download: `leaderboard-${this.data.run}.csv` });
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

const runs = [...document.querySelectorAll("section.run")].map((section) => new Run(section));

function fromAddress() {
  const found = /^#view:([^:]+):(.*)$/.exec(decodeURI(location.hash));
  for (const run of runs) {
    if (found && found[1] === run.data.run) {
      run.restore({ ...run.initial, ...Object.fromEntries(new URLSearchParams(found[2])) });
      run.section.scrollIntoView();
    }
    run.draw();
  }
}

addEventListener("hashchange", fromAddress);
fromAddress();
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const each of closed) each.open = true;
});
addEventListener("afterprint", () => { for (const each of closed) each.open = false; });
