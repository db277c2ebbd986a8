// Files by drop or choice, one request a file, each with its progress. Without this script the form is sent whole.
"use strict";
const form = document.getElementById("upload");
const zone = document.getElementById("zone");
const field = document.getElementById("image");
const queue = document.getElementById("queue");
const send = document.getElementById("send");
const clear = document.getElementById("clear");
const told = document.getElementById("told");
const most = Number(form.dataset.mostBytes);
const PASSING = new Set([408, 429, 503, 507]);
let files = []; // {file, row, state: "waiting" | "sent" | "done" | "failed"}

function size(bytes) {
  for (const [unit, of] of [["GB", 1e9], ["MB", 1e6], ["KB", 1e3]])
    if (bytes >= of) return `${(bytes / of).toFixed(bytes >= 10 * of ? 0 : 1)} ${unit}`;
  return `${bytes} bytes`;
}

function element(name, kind, text) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}

function add(file) {
  if (files.some((one) => one.file.name === file.name && one.file.size === file.size && one.file.lastModified === file.lastModified)) return;
  const row = element("li");
  const of = element("span", "of", file.name);
  of.title = file.name;
  of.append(element("span", "size small soft numeric", size(file.size)));
  const state = element("span", "state");
  const away = element("button", "away", "×");
  away.type = "button";
  away.setAttribute("aria-label", `Leave out ${file.name}`);
  const entry = { file, row, state: "waiting" };
  away.addEventListener("click", () => {
    const place = files.indexOf(entry);
    files = files.filter((one) => one !== entry);
    row.remove();
    (files[Math.min(place, files.length - 1)]?.row.querySelector(".away") ?? field).focus();
    show();
  });
  row.append(of, state, away);
  queue.append(row);
  files.push(entry);
  if (file.size > most) fail(entry, `It has ${size(file.size)}; at most ${size(most)} are taken.`);
}

function show() {
  const waiting = files.filter((one) => one.state === "waiting").length;
  queue.hidden = clear.hidden = files.length === 0;
  send.hidden = files.length > 0 && waiting === 0;
  clear.classList.toggle("first", send.hidden);
  send.textContent = waiting > 1 ? `Ask about ${waiting} files` : "Ask the model";
  field.required = files.length === 0;
}

function chip(kind, words) {
  return element("span", `chip ${kind}`, words);
}

// What may go well another time stays in the queue, to be sent again.
function fail(entry, why, again = false) {
  entry.state = again ? "waiting" : "failed";
  entry.row.querySelector(".away").disabled = false;
  entry.row.querySelector(".state").replaceChildren(chip("failed", "Failed"));
  entry.row.querySelector("progress")?.remove();
  entry.row.querySelector(".why")?.remove();
  entry.row.append(element("p", "why", why));
}

function done(entry, answer) {
  entry.state = "done";
  const one = answer.cases[0];
  const link = element("a", "of", one.title);
  link.href = one.url;
  link.append(element("span", "size small soft", entry.file.name));
  entry.row.querySelector(".of").replaceWith(link);
  entry.row.querySelector(".state").replaceChildren(chip(one.outcome, one.became));
  entry.row.querySelector("progress")?.remove();
  entry.row.querySelector(".away")?.remove();
}

function upload(entry) {
  return new Promise((resolve) => {
    const data = new FormData();
    for (const name of ["csrf", "once"]) data.append(name, form.elements[name].value);
    data.append("image", entry.file, entry.file.name);
    const bar = element("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `Sending ${entry.file.name}`);
    entry.row.querySelector(".why")?.remove();
    entry.row.append(bar);
    entry.row.querySelector(".away").disabled = true;
    entry.state = "sent";
    const state = entry.row.querySelector(".state");
    state.textContent = "sending";
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
    });
    request.upload.addEventListener("load", () => {
      bar.removeAttribute("value");
      state.textContent = "the model looks at it";
    });
    request.addEventListener("load", () => {
      const answer = request.response;
      if (answer?.cases?.length) done(entry, answer);
      else fail(entry, answer?.detail ?? answer?.title ?? `The server answered ${request.status}.`, PASSING.has(request.status));
      resolve();
    });
    request.addEventListener("error", () => { fail(entry, "The server cannot be reached.", true); resolve(); });
    request.addEventListener("abort", () => { fail(entry, "It was broken off.", true); resolve(); });
    request.send(data);
  });
}

async function start(event) {
  event.preventDefault();
  if (!files.length) { field.focus(); told.textContent = "Choose a file first."; return; }
  const waiting = files.filter((one) => one.state === "waiting");
  if (!waiting.length) return;
  send.disabled = clear.disabled = true;
  told.textContent = `Sending ${waiting.length} of ${files.length} files.`;
  for (const entry of waiting) await upload(entry);
  send.disabled = clear.disabled = false;
  const answered = files.filter((one) => one.state === "done");
  if (files.length === 1 && answered.length === 1) { location.assign(answered[0].row.querySelector("a").href); return; }
  const failed = files.length - answered.length;
  told.textContent = `${answered.length} answered${failed ? `, ${failed} failed` : ""}.`;
  show();
  (answered[0]?.row.querySelector("a") ?? clear).focus();
}

function take(list) {
  for (const file of list) add(file);
  field.value = "";
  told.textContent = `${files.length} ${files.length === 1 ? "file" : "files"} chosen.`;
  show();
  send.focus();
}

form.addEventListener("submit", start);
field.addEventListener("change", () => take(field.files));
clear.addEventListener("click", () => { files = []; queue.replaceChildren(); show(); field.focus(); });
// A drop beside the box would make the browser leave the page for the image.
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, () => zone.classList.add("over"));
for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
zone.addEventListener("drop", (event) => { if (event.dataTransfer?.files.length) take(event.dataTransfer.files); });
