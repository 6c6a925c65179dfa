// The scene: floor, light, shadow, camera. Draws only when something has changed.

import {
  Color,
  DirectionalLight,
  Fog,
  HemisphereLight,
  Mesh,
  MeshLambertMaterial,
  PCFShadowMap,
  PerspectiveCamera,
  PlaneGeometry,
  Scene,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

const THEMES = {
  light: { sky: 0xe9edf5, even: 0xdde3ee, odd: 0xc9d1e0, light: 2.1, fill: 1.55, ground: 0xb8c0d0 },
  dark: { sky: 0x141823, even: 0x222838, odd: 0x1a1f2d, light: 1.9, fill: 0.95, ground: 0x30384c },
};
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const FAR = 1.5; // m that the body may go before a camera that must not glide jumps after it
const START = { camera: [2.35, 1.5, 3.9], target: [0, 0.92, 0] };

// From best to cheapest; a frame that takes too long for a while moves one down.
const QUALITY = [
  { pixels: 2, shadow: 2048 },
  { pixels: 1.25, shadow: 1024 },
  { pixels: 1, shadow: 0 },
  { pixels: 0.7, shadow: 0 },
];

export class Stage {
  // `arm` is how far the camera stands, 1 for where it does on a wide stage
  constructor(canvas, arm = 1) {
    Object.assign(this, { canvas, arm });
    const software = usesSoftware();
    this.renderer = new WebGLRenderer({ canvas, antialias: !software, powerPreference: "low-power" });
    this.renderer.shadowMap.type = PCFShadowMap;
    this.scene = new Scene();
    this.scene.fog = new Fog(0, 6, 19);
    this.camera = new PerspectiveCamera(38, 1, 0.05, 60);
    this.fill = new HemisphereLight(0xffffff, 0x888888, 1);
    this.sun = new DirectionalLight(0xffffff, 2);
    this.sun.castShadow = true;
    Object.assign(this.sun.shadow.camera, { left: -2, right: 2, top: 2.4, bottom: -1.6, far: 12 });
    this.sun.shadow.bias = -0.0006;
    this.sun.shadow.normalBias = 0.02;
    this.floor = makeFloor();
    this.scene.add(this.fill, this.sun, this.sun.target, this.floor);
    this.controls = this.makeControls();
    this.follow = true;
    this.focus = new Vector3(...START.target);
    this.slow = 0;
    this.dirty = true;
    this.setQuality(software ? 2 : 0);
    this.setTheme("light");
    this.resetView();
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.resize();
  }

  makeControls() {
    const controls = new OrbitControls(this.camera, this.canvas);
    controls.enableDamping = true;
    controls.dampingFactor = 0.12;
    controls.minDistance = 1.2;
    controls.maxDistance = 12;
    controls.maxPolarAngle = Math.PI / 2 - 0.03;
    controls.enableZoom = false; // until the stage has the focus: the page must keep scrolling
    this.canvas.style.touchAction = "pan-y";
    controls.addEventListener("change", () => (this.dirty = true));
    return controls;
  }

  resetView() {
    this.controls.target.set(...START.target);
    this.camera.position.set(...START.camera).sub(this.controls.target).multiplyScalar(this.arm).add(this.controls.target);
    this.camera.position.x += this.focus.x;
    this.camera.position.z += this.focus.z;
    this.controls.target.x = this.focus.x;
    this.controls.target.z = this.focus.z;
    this.controls.update();
    this.dirty = true;
  }

  setTheme(name) {
    const theme = THEMES[name];
    this.scene.background = new Color(theme.sky);
    this.scene.fog.color.set(theme.sky);
    this.fill.groundColor.set(theme.ground);
    this.fill.intensity = theme.fill;
    this.sun.intensity = theme.light;
    this.floor.material.userData.even.value.set(theme.even);
    this.floor.material.userData.odd.value.set(theme.odd);
    this.dirty = true;
  }

  setQuality(level) {
    this.level = level;
    const { pixels, shadow } = QUALITY[level];
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, pixels));
    this.renderer.shadowMap.enabled = shadow > 0;
    this.sun.castShadow = shadow > 0;
    if (shadow) {
      this.sun.shadow.map?.dispose();
      this.sun.shadow.map = null;
      this.sun.shadow.mapSize.set(shadow, shadow);
    }
    this.floor.material.needsUpdate = true;
    this.slow = 0;
    this.resize();
  }

  get blobs() {
    return QUALITY[this.level].shadow === 0;
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    if (!clientWidth || !clientHeight) return;
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.camera.aspect = clientWidth / clientHeight;
    // a narrow stage sees less to the sides: step back so that a stride still fits
    this.camera.fov = clientWidth < clientHeight * 1.1 ? 46 : 38;
    this.camera.updateProjectionMatrix();
    this.dirty = true;
  }

  // Keep the body at `place` in view; `seconds` since the last call, Infinity to jump there.
  track(place, seconds) {
    const step = new Vector3(place.x, START.target[1], place.z).sub(this.focus);
    if (STILL.matches) seconds = seconds === Infinity || step.length() > FAR ? Infinity : 0;
    step.multiplyScalar(1 - Math.exp(-4 * seconds));
    this.focus.add(step);
    if (this.follow) {
      this.camera.position.add(step);
      this.controls.target.add(step);
    }
    this.sun.position.set(place.x + 1.6, 4.6, place.z + 2.2);
    this.sun.target.position.set(place.x, 0, place.z);
    this.floor.position.set(Math.round(place.x), 0, Math.round(place.z));
    this.dirty = true;
  }

  // Where the camera looks along the floor, of length 1.
  get ahead() {
    const way = this.camera.getWorldDirection(new Vector3());
    return way.setY(0).normalize();
  }

  orbit(yaw, pitch) {
    const arm = this.camera.position.clone().sub(this.controls.target);
    arm.applyAxisAngle(new Vector3(0, 1, 0), yaw);
    const lifted = arm.clone();
    lifted.y += pitch * arm.length();
    if (lifted.y > 0.02) arm.copy(lifted);
    this.camera.position.copy(this.controls.target).add(arm);
    this.dirty = true;
  }

  // Draw if anything changed; `seconds` since the last frame of the page.
  draw(seconds) {
    this.controls.update();
    if (!this.dirty) return false;
    this.dirty = false;
    this.renderer.render(this.scene, this.camera);
    this.watch(seconds);
    return true;
  }

  // Lower the quality once half of the recent frames came late.
  watch(seconds) {
    if (seconds > 0.5) return; // the tab was hidden
    this.slow = Math.max(this.slow + (seconds > 0.03 ? 1 : -1), 0);
    if (this.slow > 45 && this.level < QUALITY.length - 1) this.setQuality(this.level + 1);
  }
}

function usesSoftware() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) throw new Error("This browser cannot draw in 3D (WebGL 2 is missing or switched off).");
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : "";
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software/i.test(name);
}

function makeFloor() {
  const material = new MeshLambertMaterial();
  const even = { value: new Color() };
  const odd = { value: new Color() };
  material.userData = { even, odd };
  material.onBeforeCompile = (shader) => {
    Object.assign(shader.uniforms, { even, odd });
    shader.vertexShader = shader.vertexShader
      .replace("#include <common>", "#include <common>\nvarying vec2 vPlace;")
      .replace("#include <begin_vertex>", "#include <begin_vertex>\nvPlace = (modelMatrix * vec4(position, 1.0)).xz;");
    shader.fragmentShader = shader.fragmentShader
      .replace("#include <common>", `#include <common>
        varying vec2 vPlace;
        uniform vec3 even, odd;
        float checker(vec2 p) {  // filtered analytically (Quilez): no shimmer far away
          vec2 w = max(fwidth(p), 1e-4);
          vec2 i = 2.0 * (abs(fract((p - 0.5 * w) / 2.0) - 0.5) - abs(fract((p + 0.5 * w) / 2.0) - 0.5)) / w;
          return 0.5 - 0.5 * i.x * i.y;
        }`)
      .replace("#include <color_fragment>", "diffuseColor.rgb = mix(even, odd, checker(vPlace * 1.25));");
  };
  const floor = new Mesh(new PlaneGeometry(60, 60), material);
  floor.rotation.x = -Math.PI / 2;
  floor.receiveShadow = true;
  return floor;
}
