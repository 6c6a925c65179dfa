// Written by `python -m app.generate_protocol` from core and app.

export const AMASS_RATE = 30;
export const FPS = 20;
export const JOINTS = 22;
export const JOINT_NAMES = ["pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"];
export const JOINT_PARENTS = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19];
export const NEEDED_JOINTS = ["pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow"];
export const KEEP_SECONDS = 600;
export const LEAST_PART = 0.15;
export const MAX_PROMPT = 300;
export const MOST_PICTURE = 8388608;
export const MOST_MAP = 60000;
export const MOST_SECONDS = 20.0;
export const MOST_TOGETHER = 3;
