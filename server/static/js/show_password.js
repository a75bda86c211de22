// A button beside a password's field lets its typist look. Without script it stays hidden, and a new password is typed twice.
for (const button of document.querySelectorAll("button.show")) {
  const field = document.getElementById(button.getAttribute("aria-controls"));
  const show = (shown) => { field.type = shown ? "text" : "password"; button.setAttribute("aria-pressed", shown); };
  button.hidden = false;
  button.addEventListener("click", () => { show(field.type === "password"); field.focus(); });
  field.form.addEventListener("submit", () => show(false));  // so that browsers keep it for what it is
}
