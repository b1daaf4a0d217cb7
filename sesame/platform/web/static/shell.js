// On a phone the rail is a row that scrolls: it opens on the page where one is.
const row = document.querySelector(".side nav");
const current = row?.querySelector("[aria-current]");
if (current) {
  const beyond = current.getBoundingClientRect().right - row.getBoundingClientRect().right;
  row.scrollLeft += Math.max(0, beyond + 28); // 28 px of the row's end fade out
}
