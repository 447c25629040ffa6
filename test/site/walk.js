// SPDX-License-Identifier: BSL-1.0
//
// Walks the documentation site in a headless Chromium: node walk.js CHROMIUM FOLDER [PAGE…]
// FOLDER is what tools/docs has built. Each page loads without an error, has a title and headings in
// order, names its pictures and inputs, can be read in light and dark, and fits on a phone. Then the
// search, the switches and the keyboard are tried. It says all that is wrong, and fails once. Before all
// of this, the checks are tried on faults.html.
const {createServer} = require("node:http");
const {readFileSync, readdirSync, statSync} = require("node:fs");
const {createRequire} = require("node:module");
const {join, extname} = require("node:path");
const {pathToFileURL} = require("node:url");

function playwright() {
  try {
    return require("playwright-core");
  } catch {
    return createRequire(join(__dirname, "../../build/npm/"))("playwright-core");
  }
}

const types = {
  ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json",
  ".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2", ".csv": "text/csv",
};

function serve(folder) {
  const server = createServer((req, res) => {
    const path = decodeURIComponent(new URL(req.url, "http://a").pathname);
    try {
      const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
      const body = readFileSync(file);
      res.writeHead(200, {"Content-Type": types[extname(file)] ?? "application/octet-stream"});
      res.end(body);
    } catch {
      res.writeHead(404).end();
    }
  });
  return new Promise(listening => server.listen(0, "127.0.0.1", () => listening(server)));
}

function* pagesOf(folder, below = "") {
  for (const name of readdirSync(join(folder, below)).sort()) {
    const path = join(below, name);
    if (statSync(join(folder, path)).isDirectory()) yield* pagesOf(folder, path);
    else if (name.endsWith(".html") && name !== "404.html") yield path;
  }
}

// In the page: what is wrong with its structure.
function structure() {
  const wrong = [];
  const visible = each => each.checkVisibility({visibilityProperty: true});
  if (!document.title.trim()) wrong.push("no title");
  if (!document.documentElement.lang) wrong.push("no language");
  const headings = [...document.querySelectorAll("main h1, main h2, main h3, main h4, main h5, main h6")].filter(visible);
  const levels = headings.map(each => Number(each.tagName[1]));
  if (levels.filter(level => level === 1).length !== 1) wrong.push(`${levels.filter(level => level === 1).length} h1`);
  levels.forEach((level, index) => {
    const before = index ? levels[index - 1] : 0;
    if (level > before + 1) wrong.push(`h${level} after h${before}: ${headings[index].textContent}`);
  });
  for (const image of document.querySelectorAll("img")) {
    if (!image.hasAttribute("alt")) wrong.push(`a picture without alt: ${image.src}`);
    if (!image.complete || !image.naturalWidth) wrong.push(`a picture that is not there: ${image.src}`);
  }
  const nameOf = each =>
    each.getAttribute("aria-label") || each.getAttribute("title") || each.labels?.[0]?.textContent ||
    (each.getAttribute("aria-labelledby") ?? "").split(" ").map(id => document.getElementById(id)?.textContent ?? "").join("");
  for (const input of document.querySelectorAll("input, select, textarea")) {
    if (visible(input) && !nameOf(input)?.trim()) wrong.push(`an input without a label: ${input.outerHTML.slice(0, 80)}`);
  }
  for (const button of document.querySelectorAll("button, a[href]")) {
    const named = button.textContent.trim() || nameOf(button)?.trim() || button.querySelector("img[alt]:not([alt=''])");
    if (visible(button) && !named) wrong.push(`without a name: ${button.outerHTML.slice(0, 80)}`);
  }
  return wrong;
}

// In the page: text whose contrast with what is behind it is below 4.5 to 1 (WCAG 2, AA).
function contrast() {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const known = new Map();
  const rgba = text => {
    if (!known.has(text)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(text, [r, g, b, a / 255]);
    }
    return known.get(text);
  };
  const over = (top, below, opacity = 1) => {
    const alpha = top[3] * opacity;
    return [0, 1, 2].map(i => top[i] * alpha + below[i] * (1 - alpha)).concat(1);
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(part => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const styles = new Map();
  const lookOf = element => {
    if (!element) return {back: [255, 255, 255, 1], opacity: 1};
    if (!styles.has(element)) {
      const style = getComputedStyle(element);
      const parent = lookOf(element.parentElement);
      styles.set(element, {
        back: over(rgba(style.backgroundColor), parent.back),
        opacity: parent.opacity * Number(style.opacity),
        color: style.color,
      });
    }
    return styles.get(element);
  };
  const wrong = new Map();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.checkVisibility({visibilityProperty: true})) continue;
    if (element.closest("script, style, .visually-hidden, svg")) continue;
    const box = element.getBoundingClientRect();
    const look = lookOf(element);
    if (box.width <= 1 || box.height <= 1 || look.opacity === 0) continue;
    const front = over(rgba(look.color), look.back, look.opacity);
    const [bright, dark] = [light(front), light(look.back)].sort((a, b) => b - a);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < 4.5) {
      const kind = `${element.tagName.toLowerCase()}.${element.className} ${look.color} on ${look.back.slice(0, 3).map(Math.round)}`;
      if (!wrong.has(kind)) wrong.set(kind, `contrast ${ratio.toFixed(2)}: ${kind} "${texts.currentNode.textContent.trim().slice(0, 30)}"`);
    }
  }
  return [...wrong.values()];
}

// In the page: what makes it wider than the window.
function sideways() {
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide <= 0) return [];
  const culprit = [...document.querySelectorAll("main *")].find(each =>
    each.getBoundingClientRect().right > innerWidth + 1 && !each.closest("pre, table, .vp-code-group, [class*=language-]"));
  return [`scrolls ${wide} px sideways on a phone: ${culprit?.outerHTML.slice(0, 80)}`];
}

async function visit(page, url) {
  const wrong = [];
  await page.setViewportSize({width: 1280, height: 900});
  await page.goto(url, {waitUntil: "load"});
  await page.waitForFunction(() => document.querySelector("#app")?.__vue_app__);
  // Pictures that are far down are loaded late.
  await page.evaluate(() => Promise.all([...document.images].map(image => {
    image.loading = "eager";
    return image.complete || new Promise(done => (image.onload = image.onerror = done));
  })));
  wrong.push(...await page.evaluate(structure));
  for (const scheme of ["light", "dark"]) {
    await page.evaluate(dark => document.documentElement.classList.toggle("dark", dark), scheme === "dark");
    wrong.push(...(await page.evaluate(contrast)).map(text => `${scheme}: ${text}`));
  }
  await page.evaluate(() => document.documentElement.classList.remove("dark"));
  await page.setViewportSize({width: 390, height: 800});
  wrong.push(...await page.evaluate(sideways));
  return wrong;
}

// The checks find what is wrong with faults.html; a check that finds nothing anywhere may be broken.
async function checkTheChecks(page) {
  const found = (await visit(page, pathToFileURL(join(__dirname, "faults.html")).href)).join("\n");
  const faults = [
    "no title", "no language", "2 h1", "h3 after h1", "a picture without alt", "a picture that is not there",
    "an input without a label", "without a name: <button", "light: contrast 2.85", "dark: contrast 1.49", "sideways on a phone",
  ];
  return faults.filter(text => !found.includes(text)).map(text => `faults.html: not found: ${text}`);
}

// The search finds `text` and leads to a page that has it.
async function search(page, origin, start, text, label) {
  await page.setViewportSize({width: 1280, height: 900});
  await page.goto(origin + start);
  await page.locator(".DocSearch-Button, .VPNavBarSearchButton").first().click();
  const input = page.locator("#localsearch-input");
  await input.fill(text);
  await page.locator("#localsearch-list a").first().waitFor();
  await input.press("Enter");
  await page.waitForFunction(from => !location.pathname.endsWith(from), start);
  const found = await page.locator("main").textContent();
  return found.toLowerCase().includes(text.toLowerCase()) ? [] : [`${label}: the search for "${text}" led to ${page.url()}`];
}

// The switch of the appearance works, and stays.
async function appearance(page, origin) {
  const isDark = () => page.evaluate(() => document.documentElement.classList.contains("dark"));
  await page.goto(`${origin}/quick_start.html`);
  const before = await isDark();
  await page.locator(".VPSwitchAppearance").first().click();
  const after = await isDark();
  await page.reload();
  const stays = await isDark();
  await page.evaluate(() => localStorage.clear());
  return before !== after && after === stays ? [] : ["the switch of the appearance does not work"];
}

// On a phone the menu opens and leads on; with a keyboard the first key reaches the content.
async function menu(page, origin) {
  const wrong = [];
  await page.setViewportSize({width: 390, height: 800});
  await page.goto(`${origin}/quick_start.html`);
  await page.locator(".VPLocalNav .menu").click();
  await page.locator(".VPSidebar a", {hasText: "Cookbook"}).first().waitFor({state: "visible"});
  await page.setViewportSize({width: 1280, height: 900});
  await page.goto(`${origin}/quick_start.html`);
  await page.keyboard.press("Tab");
  const skips = await page.evaluate(() => document.activeElement?.getAttribute("href") ?? "");
  if (!skips.startsWith("#")) wrong.push(`the first key leads to ${skips}, and not to the content`);
  return wrong;
}

async function main(chromium, folder, chosen) {
  const server = await serve(folder);
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await playwright().chromium.launch({executablePath: chromium, args: ["--no-sandbox"]});
  const context = await browser.newContext({reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"]});
  const page = await context.newPage();
  let wrong = [];
  const problem = text => wrong.push(text);
  page.on("console", message => message.type() === "error" && problem(`console: ${message.text()}`));
  page.on("pageerror", error => problem(`error: ${error.message}`));
  page.on("response", response => response.status() >= 400 && problem(`${response.status()}: ${response.url()}`));
  wrong.push(...await checkTheChecks(page));
  let failures = 0;
  const report = where => {
    for (const text of new Set(wrong)) console.log(`${where}: ${text}`);
    failures += wrong.length;
    wrong = [];
  };
  report("checks");
  const paths = chosen.length ? chosen : [...pagesOf(folder)];
  for (const path of paths) {
    wrong.push(...await visit(page, `${origin}/${path}`));
    report(path);
  }
  if (!chosen.length) {
    wrong.push(...await search(page, origin, "/quick_start.html", "backpressure", "English"));
    wrong.push(...await search(page, origin, "/zh-CN/quick_start.html", "协程", "Chinese"));
    wrong.push(...await appearance(page, origin));
    wrong.push(...await menu(page, origin));
    report("site");
  }
  await browser.close();
  server.close();
  console.log(`${paths.length} pages, ${failures} problems`);
  return failures ? 1 : 0;
}

const [chromium, folder, ...chosen] = process.argv.slice(2);
main(chromium, folder, chosen).then(status => process.exit(status), error => {
  console.error(error);
  process.exit(1);
});
