"use strict";
// The completions browser. What a model wrote goes into the page as text nodes only.
(async () => {
  const data = JSON.parse(document.getElementById("data").textContent);
  if (!document.getElementById("groups")) return;
  const byId = (id) => document.getElementById(id);
  const PAGE = 20, MOST_SHOWN = 4000, CACHED = 12;

  // ---- unpacking
  const bytesOf = (base64) =>
    Uint8Array.fromBase64 ? Uint8Array.fromBase64(base64) : Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  async function unpacked(id) {
    const stream = new Blob([bytesOf(byId(id).textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream);
  }
  const kinds = { u1: Uint8Array, i4: Int32Array, f4: Float32Array };
  const group = {}, row = {};
  await Promise.all(Object.entries(data.columns).map(async ([name, kind]) => {
    const values = new kinds[kind](await (await unpacked("column-" + name)).arrayBuffer());
    const [table, column] = name.split(/_(.*)/s);
    (table === "group" ? group : row)[column] = values;
  }));
  const count = group.step.length;
  const cache = new Map();
  // The chunks stand behind this script, and the browser may still be reading them.
  const read = new Promise((go) => {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", go);
    else go();
  });
  async function chunkText(number) {
    await read;
    return (await unpacked("chunk-" + number)).text();
  }
  async function chunk(number) {
    if (!cache.has(number)) {
      if (cache.size >= CACHED) cache.delete(cache.keys().next().value);
      cache.set(number, chunkText(number).then(JSON.parse));
    }
    return cache.get(number);
  }

  // ---- text made visible: nothing hides in control or direction marks
  const visible = (text) => text
    .replace(/\r\n/g, "\n")
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/\u007f/g, "\u2421")
    .replace(/[\u0080-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
      (c) => "[U+" + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "]");
  const lexicon = new RegExp(data.lexicon, "gi");
  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  function marked(text, query) {
    const spans = [...text.matchAll(lexicon)].map((m) => [m.index, m.index + m[0].length, "check"]);
    if (query) {
      const low = text.toLowerCase();
      for (let at = low.indexOf(query); at >= 0; at = low.indexOf(query, at + query.length))
        spans.push([at, at + query.length, "found"]);
    }
    spans.sort((a, b) => a[0] - b[0]);
    const made = document.createDocumentFragment();
    let end = 0;
    for (const [from, to, name] of spans) {
      if (from < end || to === from) continue;
      made.append(visible(text.slice(end, from)), element("mark", name, visible(text.slice(from, to))));
      end = to;
    }
    made.append(visible(text.slice(end)));
    return made;
  }
  function textBlock(text, query) {
    const block = element("div", "text");
    if (text.length <= MOST_SHOWN) {
      block.append(marked(text, query));
      return block;
    }
    block.append(marked(text.slice(0, MOST_SHOWN), query));
    const more = element("button", "all", `Show all ${text.length.toLocaleString("en")} characters`);
    more.type = "button";
    more.addEventListener("click", () => block.replaceChildren(marked(text, query)));
    block.append(element("br"), more);
    return block;
  }

  // ---- filters
  const number = (id) => (byId(id).value === "" ? null : Number(byId(id).value));
  function wanted() {
    const value = (id) => (byId(id) && byId(id).value !== "" ? Number(byId(id).value) : null);
    return {
      run: value("run-filter"), split: value("split"), source: value("source"), verdict: value("verdict"),
      how: value("how"), letter: byId("letter").value.toUpperCase().charCodeAt(0) || null, checks: value("checks"),
      stepFrom: number("step-from"), stepTo: number("step-to"), rewardFrom: number("reward-from"),
      rewardTo: number("reward-to"), difficultyFrom: number("difficulty-from"), difficultyTo: number("difficulty-to"),
    };
  }
  // In 32 bits as the rewards are: 0.1 as a double lies above 0.1 as a float.
  const below = (value, limit) => limit !== null && value < Math.fround(limit);
  const above = (value, limit) => limit !== null && value > Math.fround(limit);
  function groupFits(g, w) {
    if (w.run !== null && group.run[g] !== w.run) return false;
    if (w.split !== null && group.split[g] !== w.split) return false;
    if (w.source !== null && group.source[g] !== w.source) return false;
    if (below(group.step[g], w.stepFrom) || above(group.step[g], w.stepTo)) return false;
    if (w.difficultyFrom === null && w.difficultyTo === null) return true;
    const hard = group.difficulty[g];
    return !Number.isNaN(hard) && !below(hard, w.difficultyFrom) && !above(hard, w.difficultyTo);
  }
  function rowFits(r, w) {
    if (w.verdict !== null && row.verdict[r] !== w.verdict) return false;
    if (w.how !== null && row.how[r] !== w.how) return false;
    if (w.letter !== null && row.letter[r] !== w.letter) return false;
    if (w.checks !== null && (row.checks[r] > 0 ? 1 : 0) !== w.checks) return false;
    return !below(row.reward[r], w.rewardFrom) && !above(row.reward[r], w.rewardTo);
  }
  const fitting = new Uint8Array(row.reward.length);
  function filtered(w) {
    const found = [];
    fitting.fill(0);
    for (let g = 0; g < count; g++) {
      if (!groupFits(g, w)) continue;
      let any = false;
      for (let r = group.first[g]; r < group.first[g] + group.rows[g]; r++)
        if (rowFits(r, w)) any = fitting[r] = 1;
      if (any) found.push(g);
    }
    return found;
  }

  // ---- orders
  const mean = new Float32Array(count), spread = new Float32Array(count), tokens = new Float32Array(count), checks = new Float32Array(count);
  for (let g = 0; g < count; g++) {
    const size = group.rows[g];
    let sum = 0, squares = 0;
    for (let r = group.first[g]; r < group.first[g] + size; r++) {
      sum += row.reward[r];
      tokens[g] += row.tokens[r] / size;
      checks[g] += row.checks[r] / size;
    }
    mean[g] = sum / size;
    for (let r = group.first[g]; r < group.first[g] + size; r++) squares += (row.reward[r] - mean[g]) ** 2;
    spread[g] = Math.sqrt(squares / size);
  }
  const orders = {
    first: (a, b) => group.step[a] - group.step[b] || a - b, last: (a, b) => group.step[b] - group.step[a] || a - b,
    best: (a, b) => mean[b] - mean[a] || a - b, worst: (a, b) => mean[a] - mean[b] || a - b,
    divided: (a, b) => spread[b] - spread[a] || a - b, longest: (a, b) => tokens[b] - tokens[a] || a - b,
    shortest: (a, b) => tokens[a] - tokens[b] || a - b, checking: (a, b) => checks[b] - checks[a] || a - b,
  };

  // ---- showing
  let found = [], page = 0, query = "", turn = 0;
  const signs = [["✗", "wrong"], ["✓", "right"], ["–", "none"], ["·", "none"]];
  const short = (value) => (value === null ? "none" : Number(value.toPrecision(4)).toString());
  function card(g) {
    const made = element("article", "group");
    made.dataset.group = g;
    const head = element("button");
    head.type = "button";
    head.setAttribute("aria-expanded", "false");
    const name = data.runs.length > 1 ? data.runs[group.run[g]] + ", " : "";
    head.append(element("b", "", `${name}${data.splits[group.split[g]]}, step ${group.step[g]}, group ${group.group[g]}`));
    const verdicts = element("span", "verdicts");
    for (let r = group.first[g]; r < group.first[g] + group.rows[g]; r++) {
      const [sign, kind] = signs[row.verdict[r]];
      verdicts.append(element("span", kind, sign));
    }
    head.append(verdicts, element("span", "", `mean reward ${short(mean[g])}, spread ${short(spread[g])}`));
    head.append(element("span", "", `${Math.round(tokens[g])} tokens`));
    if (checks[g] > 0) head.append(element("span", "", `${short(checks[g])} self-validation`));
    const source = visible(data.sources[group.source[g]]);
    if (source) head.append(element("span", "", source));
    if (!Number.isNaN(group.difficulty[g])) head.append(element("span", "", `difficulty ${short(group.difficulty[g])}`));
    head.addEventListener("click", () => toggle(made, head, g));
    made.append(head);
    return made;
  }
  async function toggle(made, head, g) {
    const shown = made.querySelector(".open");
    head.setAttribute("aria-expanded", shown ? "false" : "true");
    if (shown) return shown.remove();
    const open = element("div", "open");
    made.append(open);
    const content = (await chunk(group.chunk[g]))[group.place[g]];
    if (content.id) open.append(element("p", "note", `question ${visible(content.id)}, right answer ${visible(content.reference || "unknown")}`));
    for (const message of content.prompt) {
      open.append(element("div", "facts", message.role), textBlock(message.content || "", query));
    }
    const beside = element("div", "beside");
    content.rows.forEach((entry, place) => {
      const r = group.first[g] + place;
      const one = element("div", fitting[r] ? "row" : "row other");
      const facts = element("div", "facts");
      facts.append(element("b", signs[row.verdict[r]][1], data.verdicts[row.verdict[r]]));
      const answer = entry.extracted ? `answer ${visible(entry.extracted)}, found by ${data.how[row.how[r]]}` : `answer: ${data.how[row.how[r]] || "unknown"}`;
      for (const fact of [answer, `reward ${short(row.reward[r])}`, `${row.tokens[r]} tokens`]) facts.append(element("span", "", fact));
      for (const [name, value] of Object.entries(entry.rewards)) facts.append(element("span", "", `${name} ${short(value)}`));
      for (const [name, value] of Object.entries(entry.extra || {})) facts.append(element("span", "", `${name} ${visible(String(value))}`));
      if (entry.advantage !== null) facts.append(element("span", "", `advantage ${short(entry.advantage)}`));
      if (entry.truncated) facts.append(element("b", "none", "truncated"));
      one.append(facts, textBlock(entry.text, query));
      beside.append(one);
    });
    open.append(beside);
  }
  function render() {
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    page = Math.min(page, pages - 1);
    byId("groups").replaceChildren(...found.slice(page * PAGE, (page + 1) * PAGE).map(card));
    byId("page").textContent = `page ${page + 1} of ${pages.toLocaleString("en")}`;
    byId("previous").disabled = page === 0;
    byId("next").disabled = page >= pages - 1;
  }
  function tell(done) {
    let rows = 0;
    for (const g of found)
      for (let r = group.first[g]; r < group.first[g] + group.rows[g]; r++) rows += fitting[r];
    byId("matches").textContent = `${rows.toLocaleString("en")} completions in ${found.length.toLocaleString("en")} groups${done ? "" : ", searching …"}`;
    byId("matches").dataset.done = done ? "yes" : "no";
  }

  // Only the newest request goes on: an older one stops at its next chunk.
  async function update() {
    const mine = ++turn;
    query = byId("search").value.toLowerCase();
    page = 0;
    const candidates = filtered(wanted());
    const order = orders[byId("order").value];
    byId("searching").hidden = true;
    if (!query) {
      found = candidates.sort(order);
      tell(true);
      return render();
    }
    const wantedRows = fitting.slice();
    fitting.fill(0);
    found = [];
    const byChunk = new Map();
    for (const g of candidates) {
      if (!byChunk.has(group.chunk[g])) byChunk.set(group.chunk[g], []);
      byChunk.get(group.chunk[g]).push(g);
    }
    const bar = byId("searching"), needle = JSON.stringify(query).slice(1, -1);
    Object.assign(bar, { hidden: false, max: byChunk.size, value: 0 });
    tell(false);
    let last = performance.now();
    for (const [number, members] of byChunk) {
      const text = await chunkText(number);
      if (mine !== turn) return;
      if (text.toLowerCase().includes(needle)) {
        const contents = JSON.parse(text);
        for (const g of members) {
          const content = contents[group.place[g]];
          const asked = content.prompt.some((message) => (message.content || "").toLowerCase().includes(query));
          let any = false;
          content.rows.forEach((entry, place) => {
            const r = group.first[g] + place;
            if (wantedRows[r] && (asked || entry.text.toLowerCase().includes(query))) any = fitting[r] = 1;
          });
          if (any) found.push(g);
        }
      }
      bar.value += 1;
      if (performance.now() - last > 250) {
        tell(false);
        if (page === 0) render();
        await new Promise((go) => setTimeout(go));
        last = performance.now();
      }
    }
    if (mine !== turn) return;
    found.sort(order);
    bar.hidden = true;
    tell(true);
    render();
  }

  // ---- controls
  const fill = (id, names) => names.forEach((name, place) => {
    if (name) byId(id).append(new Option(visible(name), place));
  });
  fill("verdict", data.verdicts);
  fill("how", data.how);
  fill("source", data.sources);
  let waiting;
  byId("filters").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 150);
  });
  byId("filters").addEventListener("reset", () => setTimeout(update));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("previous").addEventListener("click", () => { page -= 1; render(); });
  byId("next").addEventListener("click", () => { page += 1; render(); });
  document.querySelectorAll(".show").forEach((button) => button.addEventListener("click", () => {
    byId("filters").reset();
    const show = JSON.parse(button.dataset.show);
    for (const [id, value] of Object.entries(show)) if (byId(id)) byId(id).value = value;
    byId("completions").scrollIntoView();
    setTimeout(update);
  }));
  await update();
  performance.mark("ready");
  document.body.dataset.ready = "yes";
})();
