// SPDX-License-Identifier: BSL-1.0
//
// Tries the page of an example in a headless Chromium: node browser.js CHROMIUM NAME PROGRAM
// Without arguments it only tells, by its exit status, whether playwright-core is there: beside this
// file, in build/npm (.ci/run browser puts it there), or on NODE_PATH.
const {spawn} = require("node:child_process");
const {once} = require("node:events");
const {randomBytes} = require("node:crypto");
const {mkdtempSync, rmSync, writeFileSync} = require("node:fs");
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

// The digest that test/web/peer_server.cpp computes: FNV-1a.
function digest(bytes) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16);
}

async function forms(page, folder) {
  const line = (name, content, filename = "", type = "") =>
    `${name}|${filename}|${type}|${Buffer.from(content).length}|${digest(Buffer.from(content))}\n`;
  const files = [
    ["plain.txt", "text/plain", "hello\r\nworld"],
    ["größe 100%.json", "application/json", "{}"],
    ["empty.png", "image/png", ""],
    ['a "quoted" name.bin', "application/octet-stream", randomBytes(300_000)],
    ["boundary.txt", "text/plain", "------WebKitFormBoundary\r\n\r\n--\r\n------WebKitFormBoundary--\r\n"],
  ];
  for (const [name, , content] of files) writeFileSync(join(folder, name), content);
  for (const way of ["parts", "whole"]) {
    const one = await page();
    await one.evaluate(to => { document.forms[0].action = to; }, `/${way}`);
    await one.fill("#text", 'ä&="\\\u{1F600}');
    await one.fill("#area", "one\ntwo");
    await one.selectOption("#many", ["one", "three"]);
    await one.setInputFiles("#files", files.map(([name]) => join(folder, name)));
    await Promise.all([one.waitForNavigation(), one.click("button")]);
    const fields = [
      line("text", 'ä&="\\\u{1F600}'), line("area", "one\r\ntwo"), line("box", "on"),
      line("many", "one"), line("many", "three"),
    ];
    const sent = files.map(([name, type, content]) =>
      // Of a quote browsers make %22 (HTML, multipart form data).
      line("files", content, name.replace(/"/g, "%22"), type));
    // A field for files in which none was chosen is sent as a file without a name.
    const none = line("empty", "", "", "application/octet-stream");
    const button = line("button", "pressed");
    const told = await one.evaluate(() => document.body.textContent);
    if (way === "parts") {
      assert.equal(told, [...fields, ...sent, none, button].join(""));
    } else {
      assert.deepEqual(told.split("\n").filter(each => !each.startsWith("empty")).join("\n"),
                       [...fields, button, ...sent].join(""));
    }
  }
}

async function codings(page) {
  for (const coding of ["gzip", "deflate", "br", "zstd"]) {
    const told = await page.evaluate(async name => {
      const bytes = async url => {
        const response = await fetch(url);
        return [response.headers.get("content-encoding"), new Uint8Array(await response.arrayBuffer())];
      };
      let coded = 0;
      for (let seed = 0; seed < 1000; seed += 8) {
        await Promise.all([...Array(8).keys()].map(async each => {
          const [[, plain], [used, decoded]] = await Promise.all([
            bytes(`/coded/identity/${seed + each}`), bytes(`/coded/${name}/${seed + each}`)]);
          coded += used === name;
          if (plain.length !== decoded.length || plain.some((byte, at) => byte !== decoded[at])) {
            throw new Error(`body ${seed + each} differs in ${name}`);
          }
        }));
      }
      return coded;
    }, coding);
    console.log(`${coding}: 1000 bodies the same, ${told} of them coded`);
    // Older browsers know no zstd.
    assert.ok(told > 900 || coding === "zstd");
  }
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

  // What a browser submits arrives byte by byte, streamed and as a whole; what it is sent in each
  // coding it decodes to the same bytes.
  async peer_server(page) {
    const folder = mkdtempSync(join(tmpdir(), "sluice-files-"));
    try {
      await forms(page, folder);
      await codings(await page());
    } finally {
      rmSync(folder, {recursive: true, force: true});
    }
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
