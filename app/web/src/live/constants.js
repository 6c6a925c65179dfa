// Written by `python -m app.generate_protocol` from app/protocol.py.

export const VERSION = 1;
export const KEYS = 1;
export const ACK = 2;
export const SHOWN = 4;
export const FRAME = 1;
export const POSES = 2;
export const JSON_MESSAGE = 3;
export const KEYS_BYTES = 8;
export const ACK_BYTES = 16;
export const SHOWN_BYTES = 8;
export const FRAME_HEADER_BYTES = 16;
export const PLACE_BYTES = 16;
export const POSES_HEADER_BYTES = 16;
export const DRAFTED = 1;
export const RECORDED = 2;
export const TRUTH = 4;
export const PLACED = 8;
export const AS_IT_WAS = 16;
export const WHAT_IF = 32;
export const UPLOADED = -1;
export const MOST_UPLOAD = 67108864;
export const MOST_ONWARD = 20;
export const PAGE_TAGS = ["hello", "start", "prompt", "resume", "stop", "world", "drive", "tune", "stand", "what_if", "follow", "onward", "steer"];
export const SERVER_TAGS = ["model", "take", "mark", "state", "problem", "worlds", "dream", "tally", "reference", "unmatched", "manner", "note", "met"];
