// The switch of colours without a reload. Without this script its form does the same through the server.
"use strict";
for (const form of document.querySelectorAll(".themes")) {
  form.addEventListener("submit", (event) => {
    const wanted = event.submitter?.value;
    if (!wanted) return;
    event.preventDefault();
    if (wanted === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = wanted;
    for (const button of form.querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(button.value === wanted));
    const body = new URLSearchParams(new FormData(form));
    body.set("theme", wanted);
    fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => {});
  });
}
