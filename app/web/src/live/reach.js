// The pages by the names of their tabs: Gradio makes a page when its tab is first shown.

const pages = new Map(); // name -> promise of the page, and what keeps it

function expected(name) {
  if (!pages.has(name)) {
    const place = {};
    place.page = new Promise((resolve) => (place.arrive = resolve));
    pages.set(name, place);
  }
  return pages.get(name);
}

export function arrive(name, page) {
  expected(name).arrive(page);
}

// Show a tab; resolves to its page when the server has said what it offers.
export async function reach(name) {
  document.getElementById(`livestep-${name}-button`)?.click();
  const page = await expected(name).page;
  await page.greeted;
  return page;
}

// A promise and what fulfils it.
export function greeting() {
  let greet;
  const greeted = new Promise((resolve) => (greet = resolve));
  return { greeted, greet };
}
