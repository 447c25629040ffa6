// The page of the demo: it shows what /events says, and has buttons that make the server work.
const words = {
  en: {
    intro: "Every number here comes from the running server, ten times a second.",
    stream: "A stream and a slow reader",
    streamText: "The writer awaits each write, so memory stays flat, whatever the reader does. Each tick below is a 'drain'.",
    speed: "Speed of the reader:", held: "held now", mark: "high-water mark", most: "most ever held",
    drains: "drains", read: "read", stalled: "stopped",
    way: "in the system's buffers", answer: "answer",
    pool: "An agent's pool", poolText: "Four connections serve all requests; the others wait for their turn.",
    used: "used", free: "free", queued: "queued", answered: "answered", burst: "Send 24 requests",
    timeout: "A timeout that fires", timeoutText: "The handler would take an hour. After 500 ms its wait is cancelled.",
    late: "asked for", running: "running", askLate: "Ask",
    cancel: "A closed tab", cancelText: "Open the tab, then close it: the handler that waits in it is cancelled.",
    cancelled: "cancelled", open: "Open a tab",
    upload: "An upload", uploadText: "32 MiB from this page. The server takes its time, and the rest waits in the browser.",
    uploaded: "read by the server", send: "Upload",
    events: "Server-sent events", eventsText: "What feeds this page. Browsers reconnect by themselves and say where they were.",
    seen: "last event", followers: "followers",
    socket: "WebSocket echo", socketText: "Comes back from the server on the same port.",
    say: "Send", echoed: "echoed", message: "message",
    metrics: "Metrics", metricsText: "The same server, as Prometheus reads it.", metricsOpen: "Open /metrics",
    lost: "The server does not answer. The page goes on when it is back.",
    language: "中文",
  },
  zh: {
    intro: "页面上的每个数字都来自正在运行的服务器，每秒更新十次。",
    stream: "数据流与慢速读者",
    streamText: "写入方用 co_await 等待每一次写入。因此无论读者多慢，内存占用都保持平稳。底部的每条刻度是一次 'drain'。",
    speed: "读取速度：", held: "当前缓存", mark: "高水位线", most: "历史最大缓存",
    drains: "drain 次数", read: "已读取", stalled: "已停止",
    way: "系统缓冲区中", answer: "响应",
    pool: "Agent 连接池", poolText: "四个连接处理所有请求，其余请求排队等待。",
    used: "使用中", free: "空闲", queued: "排队", answered: "已完成", burst: "发送 24 个请求",
    timeout: "触发超时", timeoutText: "处理函数需要一小时；500 毫秒后，它的等待会被取消。",
    late: "请求次数", running: "运行中", askLate: "发起请求",
    cancel: "关闭标签页", cancelText: "打开标签页再关闭：正在等待的处理函数随即被取消。",
    cancelled: "已取消", open: "打开标签页",
    upload: "上传", uploadText: "从本页上传 32 MiB。服务器从容读取，其余数据留在浏览器中等待。",
    uploaded: "服务器已读取", send: "上传",
    events: "服务器推送事件", eventsText: "本页的数据来源。浏览器会自动重连，并告知上次收到的位置。",
    seen: "最新事件", followers: "订阅者",
    socket: "WebSocket 回显", socketText: "消息由服务器通过同一端口原样返回。",
    say: "发送", echoed: "回显次数", message: "消息",
    metrics: "监控指标", metricsText: "同一台服务器，以 Prometheus 格式呈现。", metricsOpen: "打开 /metrics",
    lost: "服务器没有响应，恢复后页面将自动继续。",
    language: "English",
  },
};

const at = id => document.getElementById(id);
const bytes = n => n < 1024 ? `${n} B` : n < 1048576 ? `${(n / 1024).toFixed(1)} KiB`
  : n < 1073741824 ? `${(n / 1048576).toFixed(1)} MiB` : `${(n / 1073741824).toFixed(2)} GiB`;

let language = navigator.language.startsWith("zh") ? "zh" : "en";
function translate() {
  const table = words[language];
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-t]"))
    element.textContent = table[element.dataset.t];
  at("text").setAttribute("aria-label", table.message);
  at("plot").setAttribute("aria-label", table.held);
  at("progress").setAttribute("aria-label", table.upload);
  at("language").textContent = table.language;
  tellSpeed();
}
at("language").onclick = () => {
  language = language === "en" ? "zh" : "en";
  translate();
};

// The slider is logarithmic: each step doubles the speed, and its left end stops the reader.
const speed = () => at("speed").value === "0" ? 0 : 2 ** at("speed").value;
function tellSpeed() {
  at("speed-text").textContent = speed() ? `${bytes(speed() * 1024)}/s` : words[language].stalled;
}
at("speed").oninput = () => {
  tellSpeed();
  fetch(`/speed?kib=${speed()}`, {method: "POST"});
};

const states = [];
function plot() {
  const canvas = at("plot");
  const scale = devicePixelRatio;
  const width = canvas.width = canvas.clientWidth * scale;
  const height = canvas.height = canvas.clientHeight * scale;
  const style = getComputedStyle(document.documentElement);
  const draw = canvas.getContext("2d");
  const mark = states.at(-1).highWaterMark || 16384;
  const top = Math.max(mark * 1.5, ...states.map(state => state.held));
  const y = value => height - 2 - value / top * (height - 4);
  const x = index => width - (states.length - 1 - index) * width / 299;
  draw.strokeStyle = style.getPropertyValue("--quiet");
  draw.lineWidth = scale;
  draw.setLineDash([6 * scale, 4 * scale]);
  draw.beginPath();
  draw.moveTo(0, y(mark));
  draw.lineTo(width, y(mark));
  draw.stroke();
  draw.font = `${12 * scale}px system-ui`;
  draw.fillStyle = style.getPropertyValue("--quiet");
  draw.fillText(`${words[language].mark} ${bytes(mark)}`, 4 * scale, y(mark) + 15 * scale);
  draw.setLineDash([]);
  draw.strokeStyle = draw.fillStyle = style.getPropertyValue("--accent");
  draw.lineWidth = 2 * scale;
  draw.beginPath();
  states.forEach((state, index) => draw.lineTo(x(index), y(state.held)));
  draw.stroke();
  // One tick for each event before which the stream has drained.
  states.forEach((state, index) => {
    if (index > 0 && state.drains > states[index - 1].drains)
      draw.fillRect(x(index), height - 8 * scale, scale, 8 * scale);
  });
  draw.lineTo(width, height);
  draw.lineTo(x(0), height);
  draw.globalAlpha = 0.15;
  draw.fill();
}

function show(state) {
  for (const id of ["drains", "used", "free", "queued", "answered", "late", "lateRunning", "waiting",
                    "cancelled", "followers", "echoed"])
    at(id).textContent = state[id].toLocaleString("en");
  at("held").textContent = bytes(state.held);
  at("mark").textContent = bytes(state.highWaterMark);
  at("most").textContent = bytes(state.mostHeld);
  at("received").textContent = bytes(state.received);
  at("way").textContent = bytes(Math.max(0, state.written - state.received - state.held));
  at("uploaded").textContent = bytes(state.uploaded);
  const slot = kind => Object.assign(document.createElement("i"), {className: kind});
  at("pool").replaceChildren(...["used", "free", "queued"].flatMap(
    kind => Array.from({length: Math.min(state[kind], 64)}, () => slot(kind))));
  states.push(state);
  if (states.length > 300) states.shift();
  plot();
}

const events = new EventSource("/events");
let first = true;
events.onopen = () => at("lost").hidden = true;
events.onerror = () => at("lost").hidden = false;
events.onmessage = event => {
  const state = JSON.parse(event.data);
  if (first) {
    // Another page may have set the speed.
    at("speed").value = state.speed ? Math.round(Math.log2(state.speed / 1024)) : 0;
    tellSpeed();
    first = false;
  }
  at("event").textContent = event.lastEventId;
  show(state);
};

at("burst").onclick = () => fetch("/burst?n=24", {method: "POST"});
at("ask-late").onclick = async () => {
  const begun = performance.now();
  const answer = await fetch("/late");
  at("late-result").textContent = `${answer.status}, ${Math.round(performance.now() - begun)} ms`;
};
at("send").onclick = () => {
  const request = new XMLHttpRequest();
  request.upload.onprogress = event => at("progress").value = event.loaded / event.total;
  request.onload = () => at("upload-result").textContent = bytes(JSON.parse(request.response).bytes);
  request.open("POST", "/upload");
  request.send(new Blob([new Uint8Array(32 * 1024 * 1024)]));
};

let socket;
at("say").onsubmit = event => {
  event.preventDefault();
  const text = at("text").value;
  if (!socket || socket.readyState > 1) {
    socket = new WebSocket(`ws://${location.host}/echo`);
    socket.onmessage = message => at("echo").textContent = message.data;
    socket.onopen = () => socket.send(text);
  } else if (socket.readyState === 1) {
    socket.send(text);
  }
  at("text").value = "";
};

translate();
