// Requests to the server; what goes wrong is thrown as a sentence.

export async function request(address, options) {
  const reply = await fetch(address, options).catch(() => {
    throw new Error("The server cannot be reached; try again in a moment.");
  });
  if (reply.ok) return reply;
  const { message } = await reply.json().catch(() => ({}));
  throw new Error(message ?? `The server answered ${reply.status}.`);
}

export async function ask(address, body) {
  const reply = await request(address, body && { method: "POST", body });
  return reply.json().catch(() => ({}));
}
