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

const scenarios = {
  async ajax(page) {
    const one = await page();
    await one.click("#fetch");
    await one.waitForFunction(() => document.getElementById("news").textContent);
    assert.equal(await one.textContent("#news"), "News: The gate is open.");
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
