// A file that is chosen in `input` or dropped onto `root` goes to `take`; `over(on)` while one hovers.

export function takeFiles({ root, input, over, take }) {
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = ""; // so that the same file can be chosen again
    if (file) take(file);
  });
  root.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    over(true);
  });
  root.addEventListener("dragleave", (event) => root.contains(event.relatedTarget) || over(false));
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    const [file] = event.dataTransfer.files;
    if (file && !input.disabled) take(file);
  });
}
