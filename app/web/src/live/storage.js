// What a browser keeps for us: it may be blocked, as in frames of other sites, and is then undefined.

export function recall(storage, key) {
  try {
    return window[storage].getItem(key);
  } catch {
    return undefined;
  }
}

export function keep(storage, key, value) {
  try {
    window[storage].setItem(key, value);
  } catch {
    // then it is not kept
  }
}
