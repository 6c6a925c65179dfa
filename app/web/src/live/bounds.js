// Written by `python -m app.generate_protocol` from core and app.

export const AMASS_RATE = 30;
export const FPS = 20;
export const JOINTS = 22;
export const KEEP_SECONDS = 600;
export const MAX_PROMPT = 300;
export const MOST_PICTURE = 8388608;
export const MOST_SECONDS = 20.0;
export const MOST_TOGETHER = 3;
