// The page of a node: shows what /v1 says, live. Names and texts come from the network, so everything goes in by
// textContent, never as HTML. Without Chart.js (a build without it) the figures are tables.
"use strict";

const kKeptSamples = 300; // of throughput and traffic, one a second
const kRefreshMs = 2000;  // what no event tells: traffic, log
const kMembersMs = 5000;  // round-trip times

const $ = (id) => document.getElementById(id);
const show = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };

// ---- Numbers and times for people

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", {notation: "compact", maximumFractionDigits: 1});
const isKnown = (value) => value !== null && value !== undefined;
const or = (value, format) => (isKnown(value) ? format(value) : "–");
const loss = (value) => or(value, (x) => x.toFixed(5));
const percent = (value) => or(value, (x) => (100 * x).toFixed(2) + " %");
const count = (value) => or(value, (x) => whole.format(x));
const brief = (value) => or(value, (x) => short.format(x));

function bytes(value) {
  if (!isKnown(value)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (value >= 1000 && at < units.length - 1) { value /= 1000; ++at; }
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

function span(seconds) {
  if (!isKnown(seconds)) return "–";
  if (seconds === 0) return "0 s";
  if (seconds < 0.001) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(1)} ms`;
  if (seconds < 60) return `${seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`;
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = parts.findIndex(([size]) => seconds >= size);
  const [size, unit] = parts[first], [next, nextUnit] = parts[first + 1];
  const rest = Math.floor((seconds % size) / next);
  return `${Math.floor(seconds / size)} ${unit}` + (rest ? ` ${rest} ${nextUnit}` : "");
}

const since = (iso) => (iso ? span(Math.max(0, (Date.now() + clockOffset - Date.parse(iso)) / 1000)) : "–");
let clockOffset = 0; // of the node's clock to this machine's

// ---- Asking the node

async function get(path) {
  const answer = await fetch(path, {headers: {Accept: "application/json"}, cache: "no-store"});
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  const date = Date.parse(answer.headers.get("Date") ?? "");
  if (!Number.isNaN(date) && Math.abs(date - Date.now()) > 2000) clockOffset = date - Date.now();
  return answer.json();
}

/// Runs `ask` at most once at a time and never more often than each `pause` ms; a call in between runs it once more.
function gently(pause, ask) {
  let state = "idle";
  return async function run() {
    if (state !== "idle") { state = "again"; return; }
    state = "busy";
    try { await ask(); } catch (failure) { console.debug(String(failure)); }
    setTimeout(() => {
      const again = state === "again";
      state = "idle";
      if (again) run();
    }, pause);
  };
}

// ---- Building rows

function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/// Fills a table with rows of cells: texts, elements, or {text, kind} with the class of the cell.
function fill(table, rows, empty) {
  const body = $(table).tBodies[0];
  const made = rows.map((cells) => {
    const row = document.createElement("tr");
    for (const cell of cells) {
      const td = document.createElement("td");
      if (cell instanceof Node) td.append(cell);
      else if (typeof cell === "object") { td.textContent = cell.text; td.className = cell.kind; }
      else td.textContent = cell;
      row.append(td);
    }
    return row;
  });
  if (made.length === 0) {
    const row = document.createElement("tr");
    row.append(element("td", empty, {colspan: $(table).tHead.rows[0].cells.length, class: "empty"}));
    made.push(row);
  }
  body.replaceChildren(...made);
}

const number = (text) => ({text, kind: "number"});
const wide = (text) => ({text, kind: "wide"});
const pill = (state) => element("span", state, {class: "pill", "data-state": state});

function rightAlign(table, columns) {
  for (const column of columns) $(table).tHead.rows[0].cells[column].classList.add("number");
}

// ---- Charts

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const hasCharts = typeof Chart !== "undefined";
const charts = [];

/// A line chart of `series` [{label, colour, dashed, format}]; points by set().
class LineChart {
  constructor(id, {series, xTitle, yFormat, fromZero}) {
    this.id = id;
    this.fromZero = fromZero;
    this.series = series;
    this.legend = $(`${id}-legend`);
    this.values = series.map((each) => {
      const item = element("li");
      item.append(element("i", "", {"data-colour": each.colour}), `${each.label} `);
      const value = element("b", "–");
      item.append(value);
      this.legend.append(item);
      return value;
    });
    if (!hasCharts) return;
    const format = {callback: yFormat};
    this.chart = new Chart($(`${id}-chart`), {
      type: "line",
      data: {datasets: series.map((each) => ({
        label: each.label, data: [], borderWidth: 2, borderDash: each.dashed ? [6, 4] : [], pointHoverRadius: 4, tension: 0,
        spanGaps: true}))},
      options: {
        animation: false, parsing: false, normalized: true, responsive: true, maintainAspectRatio: false,
        interaction: {mode: "index", axis: "x", intersect: false},
        plugins: {
          legend: {display: false},
          decimation: {enabled: true, algorithm: "lttb", samples: 400, threshold: 800},
          tooltip: {callbacks: {title: (items) => (items.length ? `${xTitle(items[0].parsed.x)}` : ""),
                                label: (item) => ` ${item.dataset.label} ${series[item.datasetIndex].format(item.parsed.y)}`}},
        },
        scales: {
          x: {type: "linear", bounds: "data", ticks: {maxTicksLimit: 6, includeBounds: false, maxRotation: 0, callback: (value) => xTitle(value)}},
          y: {beginAtZero: fromZero, grace: "6%", ticks: {maxTicksLimit: 5, includeBounds: false, ...format}},
        },
      },
    });
    this.paint();
    charts.push(this);
  }

  /// Takes the colours of the theme.
  paint() {
    const {scales} = this.chart.options;
    for (const axis of [scales.x, scales.y]) {
      axis.grid = {color: colour("grid"), borderColor: colour("line")};
      axis.ticks.color = colour("soft");
    }
    this.chart.data.datasets.forEach((each, at) => {
      each.borderColor = each.backgroundColor = colour(this.series[at].colour);
    });
    this.chart.update("none");
  }

  /// Fits the axis to what comes after the first steep moments of a run, which would flatten all the rest.
  frame(points) {
    const most = (list) => list.reduce((a, b) => Math.max(a, b), -Infinity);
    const end = most(points.map((each) => each.x));
    const late = points.filter((each) => each.x >= 0.04 * end).map((each) => each.y);
    if (late.length < 10) late.push(...points.map((each) => each.y));
    const high = most(late), low = -most(late.map((y) => -y)), room = Math.max(0.08 * (high - low), 1e-4);
    if (late.length === 0) return;
    Object.assign(this.chart.options.scales.y, {min: low - room, max: high + room});
  }

  /// `points`: a list [{x, y}] for each series.
  set(points, summary) {
    this.series.forEach((each, at) => {
      const last = points[at].at(-1);
      const text = last ? each.format(last.y) : "–";
      if (this.values[at].textContent !== text) this.values[at].textContent = text;
    });
    if (!this.chart) return;
    this.chart.data.datasets.forEach((each, at) => {
      each.data = points[at];
      each.pointRadius = points[at].length < 25 ? 2.5 : 0;
    });
    $(`${this.id}-chart`).parentElement.dataset.empty = points.every((each) => each.length === 0) ? "yes" : "no";
    const earliest = points.flat().reduce((x, each) => Math.min(x, each.x), 0);
    this.chart.options.scales.x.min = 30 * Math.floor(earliest / 30); // 0 where time counts from the start
    if (!this.fromZero) this.frame(points.flat());
    $(`${this.id}-chart`).setAttribute("aria-label", summary);
    this.chart.update("none");
  }
}

const seconds = (value) => span(value);
const ago = (value) => (value === 0 ? "now" : `−${span(-value)}`);
const lossChart = new LineChart("loss", {
  series: [{label: "train", colour: "train", dashed: true, format: loss}, {label: "test", colour: "test", format: loss}],
  xTitle: seconds, yFormat: (y) => Number(y.toPrecision(4)).toString()});
const accuracyChart = new LineChart("accuracy", {
  series: [{label: "test", colour: "test", format: percent}], xTitle: seconds, yFormat: (y) => `${Number((100 * y).toPrecision(4))} %`});
const rateChart = new LineChart("rate", {
  series: [{label: "cluster", colour: "test", format: brief}, {label: "this node", colour: "train", dashed: true, format: brief}],
  xTitle: ago, yFormat: (y) => short.format(y), fromZero: true});
const networkChart = new LineChart("network", {
  series: [{label: "sent", colour: "sent", format: (y) => `${bytes(y)}/s`},
           {label: "received", colour: "received", dashed: true, format: (y) => `${bytes(y)}/s`}],
  xTitle: ago, yFormat: (y) => `${bytes(y)}/s`, fromZero: true});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((each) => each.paint()));
if (!hasCharts) {
  document.body.classList.add("without-charts");
  $("evaluations").open = true;
}

// ---- Evaluations

let history = new Map(); // by updates

function showHistory() {
  const points = [...history.values()].sort((a, b) => a.updates - b.updates);
  const line = (key) => points.filter((each) => isKnown(each[key])).map((each) => ({x: each.t_seconds, y: each[key]}));
  const test = line("test_loss"), accuracy = line("test_accuracy");
  lossChart.set([line("train_loss"), test],
                test.length ? `Test loss over ${span(test.at(-1).x)}: from ${loss(test[0].y)} to ${loss(test.at(-1).y)}`
                            : "No evaluation yet");
  accuracyChart.set([accuracy], accuracy.length ? `Test accuracy from ${percent(accuracy[0].y)} to ${percent(accuracy.at(-1).y)}`
                                                : "No evaluation yet");
  if ($("evaluations").open) showHistoryTable(points);
}

function showHistoryTable(points) {
  const rows = points.slice(-500).reverse();
  fill("history-table", rows.map((each) => [number(each.t_seconds.toFixed(3)), number(count(each.updates)), number(loss(each.train_loss)),
                                            number(loss(each.test_loss)), number(percent(each.test_accuracy))]), "none yet");
}

function addPoint(point) {
  history.set(point.updates, point);
  showHistory();
}

// ---- Status

let status = null;
let samples = []; // of status, with what changed since the one before

function addSample(now) {
  const last = samples.at(-1);
  const t = now.node.uptime_seconds;
  const made = {t, updates: now.training.updates_total ?? 0, own: now.training.node_updates_total ?? 0,
                sent: now.network.sent_bytes_total, received: now.network.received_bytes_total};
  if (last && t <= last.t) samples = []; // another process answers at this address now
  else if (last && t - last.t < 0.3) return;
  samples.push(made);
  if (samples.length > kKeptSamples + 1) samples.shift();
  const rate = (key) => samples.slice(1).map((each, at) => ({
    x: Math.round(each.t - t), y: Math.max(0, (each[key] - samples[at][key]) / (each.t - samples[at].t))}));
  const cluster = rate("updates"), sent = rate("sent"), received = rate("received");
  rateChart.set([cluster, rate("own")], `Updates a second: ${brief(cluster.at(-1)?.y)} by the cluster`);
  networkChart.set([sent, received], `Network of this node: ${bytes(sent.at(-1)?.y)} sent and ${bytes(received.at(-1)?.y)} received a second`);
}

const kWaiting = {"no quorum": "The rounds wait: no majority of the members is here.", members: "The rounds wait for members."};

function showStatus(now) {
  status = now;
  const {node, cluster, training, replica} = now;
  document.title = `${node.name} · ${node.state} · hogwild`;
  show("node-name", node.name);
  show("node-state", node.state);
  $("node-state").dataset.state = node.state;
  $("result-note").hidden = !now.result?.partial;
  if (now.result?.partial) $("result-note").title = `not reached: ${now.result.unreached.join(", ")}`;
  show("cluster-name", cluster.name);
  show("cluster-mode", cluster.mode);
  show("leader-label", cluster.coordinator ? "coordinator" : "evaluator");
  const leader = cluster.coordinator ?? cluster.evaluator;
  show("leader", leader ? leader.name + (isKnown(leader.term) ? `, term ${leader.term}` : "") : "–");
  $("leader").title = cluster.coordinator?.reason ?? "";
  $("waiting").hidden = !now.rounds?.waiting;
  if (now.rounds?.waiting) show("waiting", kWaiting[now.rounds.waiting] ?? `The rounds wait: ${now.rounds.waiting}.`);
  show("uptime", span(node.uptime_seconds));
  show("version", node.version);

  show("accuracy", percent(training.test_accuracy));
  show("accuracy-note", now.rounds ? `round ${count(training.round)}, work of ${now.rounds.contributors} of ${now.rounds.members}` : now.run.loss ? `${now.run.loss}, λ ${now.run.lambda}${now.run.lambdas.length > 1 ? ` (best of ${count(now.run.lambdas.length)})` : ""}` : "");
  show("test-loss", loss(training.test_loss));
  show("test-loss-note", `best ${loss(training.best_test_loss)}`);
  show("epoch", or(training.epoch, (x) => x.toFixed(2)));
  show("epoch-note", training.stop_reason ? `stopped: ${training.stop_reason}` : isKnown(training.eta_seconds) ? `${span(training.eta_seconds)} to go` : "");
  show("rate", brief(training.updates_per_second));
  show("rate-note", `${count(training.updates_total)} in all`);
  const {alive, suspect, dead, left} = cluster.members;
  show("alive", count(alive));
  show("alive-note", `${suspect} suspect, ${dead} dead, ${left} left`);
  show("digest", replica.state_digest ?? "–");
  show("digest-note", isKnown(replica.divergence) ? `${count(replica.divergence)} datagrams missing, ${brief(replica.pending_updates)} updates pending` : "");
  addSample(now);
}

// ---- Members, traffic, log, files, settings

const kWorst = ["dead", "suspect", "alive", "left"];

function showMembers({members}) {
  const role = (each) => [each.self ? "this node" : "", each.id === status?.cluster.coordinator?.id ? "coordinator" : "",
                          each.id === status?.cluster.evaluator?.id ? "evaluator" : ""].filter(Boolean).join(", ");
  const sorted = members.toSorted ? members.toSorted(byState) : [...members].sort(byState);
  $("member-cells").hidden = members.length < 12;
  $("member-cells").replaceChildren(...sorted.map((each) => element("li", "", {"data-state": each.state, title: `${each.name}: ${each.state}`})));
  fill("member-table", sorted.map((each) => [
    memberName(each), pill(each.state), role(each), since(each.since), number(each.self ? "" : span(each.rtt_seconds)), each.gossip,
    wide(each.suspected_by.length ? `suspected by ${each.suspected_by.join(", ")}${each.evidence ? `: ${each.evidence}` : ""}` : each.evidence ?? "")]),
    "none");
}

const naturally = new Intl.Collator("en", {numeric: true});
const byState = (a, b) => kWorst.indexOf(a.state) - kWorst.indexOf(b.state) || naturally.compare(a.name, b.name);

/// The name; a link to the member's own page where this browser may reach it.
function memberName(member) {
  const host = member.http ?? "";
  const isLocal = /^(127\.|\[::1\]|localhost)/.test(host);
  const isReachable = host !== "" && !/^(0\.0\.0\.0|\[::\])/.test(host) && (!isLocal || /^(127\.|localhost$|\[::1\]$)/.test(location.hostname));
  if (member.self || member.state !== "alive" || !isReachable) return element("span", member.name);
  return element("a", member.name, {href: `http://${host}/`, rel: "noreferrer"});
}

function showTraffic({peers}) {
  const rows = [...peers].sort((a, b) => naturally.compare(a.name, b.name));
  fill("traffic-table", rows.map((each) => [
    each.name, number(bytes(each.bytes_sent_total)), number(bytes(each.bytes_received_total)), number(count(each.datagrams_received_total)),
    number(count(each.lost_total)), number(count(each.repaired_total)), number(count(each.duplicate_total)),
    number(or(each.staleness_seconds, (x) => `${span(x)} ago`))]), "no peer yet");
}

let lastLine = 0;

function restartLog() {
  lastLine = 0;
  $("log").textContent = "";
}

async function refreshLog() {
  const level = $("log-level").value;
  const {lines} = await get(`/v1/logs?level=${level}&limit=200&since=${lastLine}`);
  if (lines.length === 0 || level !== $("log-level").value) return;
  lastLine = lines.at(-1).sequence;
  const log = $("log");
  const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  const all = (log.textContent + lines.map((each) => `${each.text}\n`).join("")).split("\n");
  log.textContent = all.slice(-501).join("\n");
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function showReport({complete, directory, files}) {
  show("files-note", files.length === 0 ? "None yet: they are written at the end of the run."
                                        : `${complete ? "The files of the run" : "So far"}, in ${directory}`);
  $("files").replaceChildren(...files.map((each) => {
    const item = element("li");
    item.append(element("a", each.name, {href: `/v1/report/${encodeURIComponent(each.name)}`}), element("span", bytes(each.bytes)));
    if (/^https?:\/\//.test(each.link ?? "")) item.append(element("a", "uploaded", {href: each.link, rel: "noreferrer"}));
    if (each.error) item.append(element("span", `not uploaded: ${each.error}`));
    return item;
  }));
}

function showSettings({settings, sources}) {
  const text = (value) => (isKnown(value) ? (Array.isArray(value) ? value.join(", ") : String(value)) : "–");
  fill("settings-table", Object.entries(settings).map(([name, value]) => [name, wide(text(value)), sources[name]]), "none");
}

const refreshHistory = gently(500, async () => {
  history = new Map((await get("/v1/training/history")).points.map((each) => [each.updates, each]));
  showHistory();
});
const refreshMembers = gently(300, async () => showMembers(await get("/v1/members")));
const refreshTraffic = gently(500, async () => showTraffic(await get("/v1/deltas")));
const refreshReport = gently(1000, async () => showReport(await get("/v1/report")));
const refreshSettings = gently(1000, async () => showSettings(await get("/v1/config")));
const refreshLogGently = gently(500, refreshLog);

function refreshAll() {
  for (const each of [refreshHistory, refreshMembers, refreshTraffic, refreshReport, refreshSettings, refreshLogGently]) each();
}

// ---- Live

let goneSince = null;

function tellConnection(isLive) {
  $("connection").dataset.live = isLive ? "yes" : "no";
  show("connection", isLive ? "live" : "reconnecting");
  if (isLive) goneSince = null;
  else goneSince ??= Date.now();
  $("banner").hidden = isLive;
  if (!isLive) show("banner", status?.training.stop_reason ? "This node has ended. What it showed last is below." : "No answer from this node; trying again.");
}

const kNews = {failed: "is dead", left: "has left", suspect: "is suspected", joined: "has joined", returned: "is back", refuted: "is alive after all"};

function listen() {
  const events = new EventSource("/v1/events");
  const on = (type, react) => events.addEventListener(type, (event) => react(JSON.parse(event.data)));
  events.addEventListener("open", () => { tellConnection(true); restartLog(); refreshAll(); });
  events.addEventListener("error", () => {
    tellConnection(false);
    // The browser comes back by itself after a cut, but not after an error answer.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
  let lastRun = null;
  on("status", (now) => {
    showStatus(now);
    if (lastRun !== now.run.id) { lastRun = now.run.id; refreshHistory(); refreshSettings(); }
  });
  on("evaluation", addPoint);
  on("member", (member) => {
    if (kNews[member.change]) show("news", `${member.name} ${kNews[member.change]}`);
    refreshMembers();
  });
  on("coordinator", refreshMembers);
  on("finished", (end) => {
    showStatus(end.status);
    show("news", `The run has finished: ${end.status.training.stop_reason ?? ""}`);
    refreshHistory();
    refreshReport();
  });
}

rightAlign("history-table", [0, 1, 2, 3, 4]);
rightAlign("member-table", [4]);
rightAlign("traffic-table", [1, 2, 3, 4, 5, 6, 7]);
$("log-level").addEventListener("change", () => { restartLog(); refreshLogGently(); });
$("evaluations").addEventListener("toggle", showHistory);
setInterval(() => { if (!document.hidden && goneSince === null) { refreshTraffic(); refreshLogGently(); } }, kRefreshMs);
setInterval(() => { if (!document.hidden && goneSince === null) { refreshMembers(); refreshReport(); } }, kMembersMs);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refreshAll(); });
listen();
