// Before the page is painted: what needs a script is shown, what stands in for it is not.
document.documentElement.classList.add("js");
