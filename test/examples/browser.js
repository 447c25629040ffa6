// SPDX-License-Identifier: BSL-1.0
//
// Tries the page of an example in a headless Chromium: node browser.js CHROMIUM NAME PROGRAM
// Without arguments it only tells, by its exit status, whether playwright-core is there: beside this
// file, in build/npm (.ci/run browser puts it there), or on NODE_PATH.
const {spawn} = require("node:child_process");
const {once} = require("node:events");
const {mkdtempSync, rmSync} = require("node:fs");
const {createRequire} = require("node:module");
const {tmpdir} = require("node:os");
const {join} = require("node:path");
const assert = require("node:assert");

function playwright() {
  try {
    return require("playwright-core");
  } catch {
    return createRequire(join(__dirname, "../../build/npm/"))("playwright-core");
  }
}

const lines = page => page.locator("li").allTextContents();

async function say(page, text) {
  await page.fill("input", text);
  await page.click("button");
}

// The demo as it looks in light and dark, and on a phone; the plot is full by then.
async function pictures(page, folder) {
  const seen = () => page.locator("#event").textContent();
  const take = async (name, colorScheme, width, height) => {
    await page.emulateMedia({colorScheme});
    await page.setViewportSize({width, height});
    await page.waitForFunction(() => document.getElementById("used").textContent === "0");
    await page.click("#burst");
    const before = Number(await seen());
    await page.waitForFunction(
      last => Number(document.getElementById("event").textContent) > last + 1 &&
        document.getElementById("used").textContent === "4", before);
    await page.screenshot({path: join(folder, `demo-${name}.png`), fullPage: true});
  };
  await page.fill("#text", "hello");
  await page.press("#text", "Enter");
  for (const speed of ["9", "14", "8", "13"]) {
    await page.locator("#speed").fill(speed);
    const before = Number(await seen());
    await page.waitForFunction(last => Number(document.getElementById("event").textContent) > last + 70, before);
  }
  await take("chinese", "light", 1040, 800);
  await page.click("#language");
  await take("light", "light", 1040, 800);
  await take("dark", "dark", 1040, 800);
  await take("phone", "light", 390, 800);
  await take("phone-dark", "dark", 390, 800);
}

const scenarios = {
  async ajax(page) {
    const one = await page();
    await one.click("#fetch");
    await one.waitForFunction(() => document.getElementById("news").textContent);
    assert.equal(await one.textContent("#news"), "News: The gate is open.");
  },

  async demo(page) {
    const one = await page(p => p.waitForSelector("#event:not(:empty)"));
    const number = id => one.locator(`#${id}`).textContent();
    // Waits until a panel says that the server did what was asked for.
    const says = (id, text) =>
      one.waitForFunction(([of, wanted]) => document.getElementById(of).textContent === wanted, [id, text]);

    await one.locator("#speed").fill("16");
    await one.waitForFunction(() => Number(document.getElementById("drains").textContent.replace(/,/g, "")) > 2);
    assert.equal(await number("mark"), "16.0 KiB");
    assert.match(await number("most"), /^1[67]\.\d KiB$/);  // the mark and one chunk at most

    await one.click("#burst");
    await says("used", "4");
    await says("answered", "24");
    await says("queued", "0");
    await says("free", "4");

    await one.click("#ask-late");
    await one.waitForSelector('#late-result:has-text("503")');
    await says("late", "1");
    await says("lateRunning", "0");

    const [tab] = await Promise.all([one.context().waitForEvent("page"), one.click("#open")]);
    await says("waiting", "1");
    await tab.close();
    await says("cancelled", "1");
    await says("waiting", "0");

    await one.click("#send");
    await says("upload-result", "32.0 MiB");
    await says("uploaded", "32.0 MiB");

    await one.fill("#text", "größer");
    await one.press("#text", "Enter");
    await says("echo", "größer");
    await says("echoed", "1");

    const two = await page(p => p.waitForSelector("#event:not(:empty)"));
    await says("followers", "2");
    await two.close();
    await says("followers", "1");

    await one.click("#language");
    assert.equal(await one.getAttribute("html", "lang"), "zh-CN");
    if (process.env.SCREENSHOTS) await pictures(one, process.env.SCREENSHOTS);
    await one.goto(new URL("/metrics", one.url()).href);
    assert.match(await one.textContent("body"), /route="\/upload"/);
  },

  async sse(page) {
    const told = text => one.waitForSelector(`li:has-text("${text}")`);
    const listens = p => p.waitForResponse(/events/);
    const one = await page(listens);
    const two = await page(listens);
    await say(two, "hello");
    await told("hello");
    await say(one, "größer");
    await told("größer");
    assert.deepEqual(await lines(one), ["hello", "größer"]);
  },

  async websocket_chat(page) {
    const joined = p => p.waitForSelector('li:has-text("welcome")');
    const one = await page(joined);
    const two = await page(joined);
    await say(one, "hello");
    await two.waitForSelector('li:has-text("hello")');
    await say(two, "größer");
    await one.waitForSelector('li:has-text("größer")');
    await two.close();
    await say(one, "alone");
    await one.waitForSelector('li:has-text("alone")');
    assert.deepEqual(await lines(one), ["welcome", "hello", "größer", "alone"]);
  },
};

async function main(chromium, name, program) {
  const profile = mkdtempSync(join(tmpdir(), "sluice-browser-"));
  const server = spawn(program, ["0"], {stdio: ["ignore", "pipe", "inherit"]});
  process.on("exit", () => server.kill());
  let context;
  try {
    const [told] = await once(server.stdout, "data");
    const [address] = /http:\S+/.exec(told);
    context = await playwright().chromium.launchPersistentContext(profile, {
      executablePath: chromium,
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    await scenarios[name](async (ready = () => undefined) => {
      const page = await context.newPage();
      page.on("pageerror", error => assert.fail(`the page's script failed: ${error.message}`));
      await Promise.all([ready(page), page.goto(address)]);
      return page;
    });
  } finally {
    await context?.close();
    rmSync(profile, {recursive: true, force: true});
  }
}

if (process.argv.length === 2) {
  playwright();
} else {
  // A build that gives up ends this script, and with it the program.
  process.on("SIGTERM", () => process.exit(1));
  main(...process.argv.slice(2)).then(
    () => process.exit(0),
    error => {
      console.error(error);
      process.exit(1);
    },
  );
}
