// Written by `python -m app.generate_protocol` from core and app.

export const AMASS_RATE = 30;
export const FPS = 20;
export const JOINTS = 22;
export const JOINT_NAMES = ["pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"];
export const JOINT_PARENTS = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19];
export const REST_JOINTS = [[0.0, 0.9583, 0.0], [0.0675, 0.884, 0.0236], [-0.072, 0.8791, 0.0252], [0.0, 1.0897, 0.0058], [0.1049, 0.4923, 0.0173], [-0.1091, 0.4908, 0.0189], [0.0, 1.2325, 0.0167], [0.0898, 0.0626, -0.0289], [-0.0942, 0.0679, -0.0266], [0.0, 1.2899, 0.0195], [0.1115, 0.0183, 0.1057], [-0.1167, 0.0217, 0.1137], [0.0, 1.5092, 0.0239], [0.0743, 1.4056, 0.0204], [-0.0775, 1.4105, 0.0204], [0.0, 1.6108, 0.0412], [0.1979, 1.4506, 0.016], [-0.193, 1.4526, 0.0163], [0.4532, 1.4377, -0.0086], [-0.4545, 1.4394, -0.0089], [0.719, 1.4473, -0.0108], [-0.7243, 1.4492, -0.0111]];
export const NEEDED_JOINTS = ["pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow"];
export const KEEP_SECONDS = 600;
export const LEAST_PART = 0.15;
export const MAX_PROMPT = 300;
export const MOST_PICTURE = 8388608;
export const MOST_MAP = 60000;
export const MOST_SECONDS = 20.0;
export const MOST_TOGETHER = 3;
export const MOST_WAYPOINTS = 200;
export const MOST_KEYS = 60;
export const WALKS = 1.4;
export const RUNS = 2.8;
export const WALKING = 1.2;
export const SETS_OUT = 1.1;
export const TIGHT = 0.4;
export const FAR = 2.5;
export const STRAIGHT = 0.7853981633974483;
