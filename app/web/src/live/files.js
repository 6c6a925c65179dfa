// Files that are chosen in `input` or dropped onto `root` go to `take`; `over(on)` while one hovers.

export function takeFiles({ root, input, over, take }) {
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = ""; // so that the same file can be chosen again
    if (files.length) take(files);
  });
  root.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    over(true);
  });
  root.addEventListener("dragleave", (event) => root.contains(event.relatedTarget) || over(false));
  root.addEventListener("drop", (event) => {
    over(false);
    if (event.defaultPrevented) return; // something within has taken them
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    if (files.length && !input.disabled) take(files);
  });
}
