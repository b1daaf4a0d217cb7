// A class sheet's QR opens /enrol#CODE. The fragment never leaves the phone: it is put into the field
// for its holder to send, then taken out of the address so that it stays in no history.
const field = document.getElementById("code");
const code = location.hash.slice(1);

if (field && /^[0-9A-Za-z-]{11,14}$/.test(code)) {
  field.value = code;
}
if (location.hash) {
  history.replaceState(null, "", location.pathname);
}
