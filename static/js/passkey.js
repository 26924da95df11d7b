// Passkeys: what did not work is said on the page; the rest is allauth's webauthn.js.
document.addEventListener("allauth.error", (event) => {
  const says = document.querySelector("[data-passkey-failed]");
  if (!says) return;
  event.preventDefault();
  says.hidden = false;
});
