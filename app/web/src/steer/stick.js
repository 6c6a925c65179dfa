// A stick for a thumb: how far it leans to the right and ahead, each -1..1.

const DEAD = 0.15;

export function bindStick(element, lean) {
  const knob = element.firstElementChild;
  let thumb = null;

  function push(event) {
    const box = element.getBoundingClientRect();
    const radius = box.width / 2;
    let [x, y] = [(event.clientX - box.left) / radius - 1, (event.clientY - box.top) / radius - 1];
    const length = Math.hypot(x, y);
    [x, y] = [x, y].map((value) => value / Math.max(length, 1));
    knob.style.translate = `${x * radius * 0.6}px ${y * radius * 0.6}px`;
    if (length < DEAD) lean(0, 0, null);
    else lean(x, -y, event.timeStamp);
  }

  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("pointerdown", (event) => {
    if (thumb !== null || event.button > 0) return;
    event.preventDefault(); // the stage keeps the focus
    thumb = event.pointerId;
    element.setPointerCapture(thumb);
    push(event);
  });
  element.addEventListener("pointermove", (event) => event.pointerId === thumb && push(event));
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    element.addEventListener(end, (event) => {
      if (event.pointerId !== thumb) return;
      thumb = null;
      knob.style.translate = "";
      lean(0, 0, null);
    });
  }
}
