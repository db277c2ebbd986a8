// The opacity of the heat map, and the slices of a scan without a reload.
"use strict";
const KEPT = "gyrus-opacity";
const WHEEL = 40; // a notch of a wheel is 100 or more, a touch pad sends many small steps

function opacity() {
  const slider = document.getElementById("opacity");
  if (!slider) return;
  const told = document.getElementById("opacity-at");
  const show = () => {
    for (const heat of document.querySelectorAll(".layers .heat")) heat.style.opacity = slider.value / 100;
    told.textContent = `${slider.value} %`;
    slider.setAttribute("aria-valuetext", `${slider.value} percent`);
  };
  let kept = null;
  try { kept = sessionStorage.getItem(KEPT); } catch { /* no storage: the slider starts where it stands */ }
  if (kept !== null && kept !== "") slider.value = kept;
  slider.addEventListener("input", () => {
    show();
    try { sessionStorage.setItem(KEPT, slider.value); } catch { /* the same */ }
  });
  show();
}

let asked = null;

// The server writes every slice's page; its parts are taken over, so that both ways show the same.
async function turnTo(number) {
  const form = document.querySelector(".slices");
  if (!form) return;
  const address = new URL(form.action);
  address.searchParams.set("slice", number);
  asked?.abort();
  asked = new AbortController();
  const focus = document.activeElement?.id;
  let answer;
  try {
    answer = await fetch(address, { signal: asked.signal, headers: { Accept: "text/html" } });
  } catch (error) {
    if (error.name !== "AbortError") location.assign(address);
    return;
  }
  if (!answer.ok && answer.status !== 422) { location.assign(address); return; }
  const there = new DOMParser().parseFromString(await answer.text(), "text/html");
  const open = document.querySelector(".review form");
  const pictures = [...there.querySelectorAll(".layers img")].map((image) => document.adoptNode(image.cloneNode()));
  const ready = Promise.allSettled(pictures.map((image) => image.decode()));
  await Promise.race([ready, new Promise((done) => setTimeout(done, 400))]);
  if (asked.signal.aborted) return;
  there.querySelectorAll(".layers img").forEach((image, number) => image.replaceWith(pictures[number]));
  for (const part of ["seeing", "saying", "near", "backing"]) {
    const fresh = there.getElementById(part), stale = document.getElementById(part);
    if (!fresh || !stale) { location.assign(address); return; }
    if (part === "saying" && open) fresh.querySelector(".review form")?.replaceWith(open);
    stale.replaceWith(document.adoptNode(fresh));
  }
  history.replaceState(null, "", address);
  opacity();
  slices();
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
}

function slices() {
  const slider = document.getElementById("slice");
  if (!slider) return;
  const at = document.getElementById("slice-at");
  let waiting = 0;
  slider.setAttribute("aria-valuetext", `slice ${slider.value} of ${slider.max}: ${document.getElementById("slice-says").textContent}`);
  slider.addEventListener("input", () => {
    at.textContent = slider.value;
    clearTimeout(waiting);
    waiting = setTimeout(() => turnTo(slider.value), 90);
  });
  for (const id of ["slice-before", "slice-after"]) {
    document.getElementById(id)?.addEventListener("click", (event) => {
      event.preventDefault();
      const link = event.currentTarget;
      if (link.hasAttribute("href")) turnTo(new URL(link.href).searchParams.get("slice"));
    });
  }
  let turned = 0;
  document.getElementById("stage").addEventListener("wheel", (event) => {
    const next = Number(slider.value) + Math.sign(event.deltaY);
    if (next < Number(slider.min) || next > Number(slider.max)) return; // at the ends the page scrolls
    event.preventDefault();
    turned += event.deltaY;
    if (Math.abs(turned) < WHEEL) return;
    turned = 0;
    slider.value = next;
    slider.dispatchEvent(new Event("input"));
  }, { passive: false });
}

// What a form has answered has an address of its own: a reload asks for that, and sends nothing again.
const own = document.getElementById("case")?.dataset.path;
if (own && location.pathname !== own.split("?")[0]) history.replaceState(null, "", own);
opacity();
slices();
