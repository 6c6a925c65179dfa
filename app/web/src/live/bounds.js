// Written by `python -m app.generate_protocol` from core and app.

export const AMASS_RATE = 30;
export const FPS = 20;
export const JOINTS = 22;
export const JOINT_NAMES = ["pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"];
export const JOINT_PARENTS = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19];
export const REST_JOINTS = [[0.0, 0.9582732, 0.0], [0.067535, 0.8840362, 0.0236115], [-0.0719893, 0.8791399, 0.0251688], [0.0, 1.0897458, 0.0057906], [0.10494, 0.4922683, 0.0173117], [-0.1090712, 0.4907562, 0.0189234], [0.0, 1.2325315, 0.016675], [0.0898114, 0.0626152, -0.0289387], [-0.0941805, 0.0678599, -0.0265996], [0.0, 1.2898598, 0.0195442], [0.1114647, 0.0183047, 0.1057137], [-0.1167398, 0.0216953, 0.1136868], [0.0, 1.509216, 0.0239314], [0.0742902, 1.4055599, 0.0203697], [-0.077478, 1.4105245, 0.0204051], [0.0, 1.6107526, 0.0412317], [0.1978766, 1.4505723, 0.0160264], [-0.192988, 1.4525952, 0.0163456], [0.4531675, 1.4377307, -0.0086295], [-0.4545419, 1.4394387, -0.0089151], [0.7189864, 1.4473097, -0.0107581], [-0.7242581, 1.4491582, -0.011075]];
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
export const SOLES = [[[-0.0165962, -0.054, -0.0591149], [-0.0143387, -0.063, -0.0513751], [-0.0265387, -0.065, -0.0453618], [-0.0038998, -0.071, -0.0368482], [0.0165162, -0.067, -0.042157], [-0.0273126, -0.069, -0.0249805], [0.0254915, -0.069, -0.0304333], [0.0768077, -0.07, 0.0808306], [0.0929969, -0.065, 0.1248181], [0.0238354, -0.073, 0.1734153], [0.0696042, -0.07, 0.1620039], [0.0322996, -0.069, 0.1882598], [0.0587984, -0.067, 0.1829857], [0.0605795, -0.06, 0.1877635], [0.0355444, -0.058, 0.1958407]], [[0.0165962, -0.054, -0.0591149], [0.0143387, -0.063, -0.0513751], [0.0265387, -0.065, -0.0453618], [0.0038998, -0.071, -0.0368482], [-0.0165162, -0.067, -0.042157], [0.0273126, -0.069, -0.0249805], [-0.0254915, -0.069, -0.0304333], [-0.0768077, -0.07, 0.0808306], [-0.0929969, -0.065, 0.1248182], [-0.0238354, -0.073, 0.1734153], [-0.0696042, -0.07, 0.1620039], [-0.0322996, -0.069, 0.1882598], [-0.0587984, -0.067, 0.1829857], [-0.0605795, -0.06, 0.1877635], [-0.0355444, -0.058, 0.1958407]]];
export const HIGHER = [0.0103848, 0.0051401];
export const MOVES = {"SOFT": 0.03, "CARRIES": 0.02, "FREE": 0.1, "UPRIGHT": 0.9, "SLANTED": 0.6, "FLAT": 0.5, "LYING": 0.2, "MOST": 0.12, "STEP": 0.1, "FOLDED": 0.12};
