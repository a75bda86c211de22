// Makes or shows a passkey: the options stand in the page, the answer goes into the form. Without script or passkeys the form stays hidden, and codes do.
const form = document.querySelector("#passkey");
const button = form.querySelector("button"), refused = form.querySelector("[role=alert]");

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (list = []) => list.map((each) => ({ ...each, id: bytes(each.id) }));

function options() {
  const { publicKey } = JSON.parse(document.querySelector("#passkey-options").textContent);
  const ready = { ...publicKey, challenge: bytes(publicKey.challenge) };
  if (ready.user) ready.user = { ...ready.user, id: bytes(ready.user.id) };
  if (ready.excludeCredentials) ready.excludeCredentials = named(ready.excludeCredentials);
  if (ready.allowCredentials) ready.allowCredentials = named(ready.allowCredentials);
  return { publicKey: ready };
}

function told(credential) {
  const { response } = credential, answer = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) if (response[name]) answer[name] = text(response[name]);
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response: answer, clientExtensionResults: credential.getClientExtensionResults() };
}

async function ask() {
  refused.hidden = true;
  try {
    form.credential.value = JSON.stringify(told(await navigator.credentials[form.dataset.kind](options())));
    form.submit();
  } catch {
    refused.hidden = false;
  }
}

if (window.PublicKeyCredential) {
  form.hidden = false;
  button.addEventListener("click", ask);
}
