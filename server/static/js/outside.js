// A click beside a dialog leads back, as its button does; not where words were written that would be lost.
const isBeside = (dialog, e) => { const room = dialog.getBoundingClientRect(); return e.target === dialog && (e.clientX < room.left || e.clientX > room.right || e.clientY < room.top || e.clientY > room.bottom); };

export function closeOutside(dialog, back = () => dialog.close()) {
  const written = new Map(); // field → what stood in it before a person wrote
  let isDown = false;
  dialog.addEventListener("beforeinput", (e) => { if (!written.has(e.target)) written.set(e.target, e.target.value); });
  dialog.addEventListener("close", () => written.clear());
  // Begun beside it, too: a finger or a mouse that marks words may end anywhere.
  dialog.addEventListener("pointerdown", (e) => { isDown = isBeside(dialog, e); });
  dialog.addEventListener("click", (e) => { if (isDown && isBeside(dialog, e) && ![...written].some(([field, before]) => field.value !== before)) back(); });
}
