// Search in the pages, without a server: search-index.js is loaded when it is first needed, and calls haulIndex with
// rows of [address, title of the page, heading, text].
(() => {
  "use strict";
  const base = document.currentScript.dataset.base;
  const form = document.querySelector(".search");
  const input = form.querySelector("input");
  const found = document.getElementById("found");
  const count = document.getElementById("count");
  const limit = 20;
  let rows;

  form.hidden = false;
  input.placeholder = "Search";
  document.querySelector("#nav ul ul [aria-current]")?.scrollIntoView({ block: "center" });

  window.haulIndex = (all) => {
    rows = all.map(([url, page, heading, text]) => ({ url, page, heading, text, lower: [page, heading, text].map((s) => s.toLowerCase()) }));
    show();
  };

  function load() {
    if (document.getElementById("index")) return;
    const script = document.createElement("script");
    script.id = "index";
    script.src = base + "search-index.js";
    document.head.append(script);
  }

  // startsWord is where a word of text starts with what is searched for, or -1; anywhere counts for what is not of letters.
  function startsWord(text, what) {
    for (let i = text.indexOf(what); i >= 0; i = text.indexOf(what, i + 1)) {
      if (i === 0 || !/[\p{L}\p{N}]/u.test(text[i - 1]) || !/^[\p{L}\p{N}]/u.test(what)) return i;
    }
    return -1;
  }

  // score is 0 if a word is missing. Headings count more than titles, titles more than text.
  function score(row, words) {
    let sum = 0;
    for (const word of words) {
      const [page, heading, text] = row.lower.map((s) => startsWord(s, word));
      if (page < 0 && heading < 0 && text < 0) return 0;
      const whole = (s) => (s.split(/[^\p{L}\p{N}-]+/u).includes(word) ? 2 : 1);
      if (heading >= 0) sum += 6 * whole(row.lower[1]);
      if (page >= 0) sum += (row.heading ? 3 : 8) * whole(row.lower[0]);
      if (text >= 0) sum += whole(row.lower[2]) + 1 / (1 + text / 200);
    }
    return sum;
  }

  // marked adds text to an element, with the words marked.
  function marked(element, text, words) {
    const pattern = words.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
    text.split(new RegExp("(" + pattern + ")", "gi")).forEach((piece, i) => {
      const mark = document.createElement("mark");
      mark.textContent = piece;
      element.append(i % 2 ? mark : piece);
    });
  }

  function excerpt(text, words) {
    const at = Math.min(...words.map((w) => startsWord(text.toLowerCase(), w)).filter((i) => i >= 0), text.length);
    const from = at < 60 || at === text.length ? 0 : text.indexOf(" ", at - 50) + 1;
    const part = text.slice(from, from + 170);
    return (from ? "… " : "") + (text.length > from + 170 ? part.slice(0, part.lastIndexOf(" ")) + " …" : part);
  }

  function result(row, words) {
    const link = document.createElement("a");
    link.href = base + row.url;
    const title = document.createElement("strong");
    marked(title, row.heading ? row.page + " › " + row.heading : row.page, words);
    const text = document.createElement("span");
    marked(text, excerpt(row.text, words), words);
    link.append(title, text);
    return link;
  }

  function show() {
    const words = input.value.toLowerCase().split(/\s+/).filter((w) => w);
    found.replaceChildren();
    found.hidden = !words.length;
    count.textContent = "";
    if (!words.length || !rows) return;
    const hits = rows.map((row) => [score(row, words), row]).filter(([s]) => s > 0).sort((a, b) => b[0] - a[0]);
    for (const [, row] of hits.slice(0, limit)) found.append(result(row, words));
    count.textContent = hits.length + (hits.length === 1 ? " result" : " results");
    if (!hits.length) {
      const none = document.createElement("p");
      none.textContent = "Nothing found.";
      found.append(none);
    }
  }

  input.addEventListener("focus", load);
  input.addEventListener("input", () => { load(); show(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    found.querySelector("a")?.click();
  });
  form.addEventListener("keydown", (event) => {
    const links = [input, ...found.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      links[Math.max(0, Math.min(links.length - 1, at + step))].focus();
    } else if (event.key === "Escape") {
      found.hidden = true;
      input.focus();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
  document.addEventListener("click", (event) => {
    if (!form.contains(event.target)) found.hidden = true;
  });

  const asked = new URLSearchParams(location.search).get("q"); // index.html?q=resume is a link to a search
  if (asked) {
    input.value = asked;
    load();
  }
})();
