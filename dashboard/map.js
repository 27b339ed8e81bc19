// Writes src/charts/world.gen.ts: the outline of every country as a path, so that no browser has to project anything.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { iso31661 } from "iso-3166";
import { feature } from "topojson-client";

const atlas = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve("world-atlas/countries-110m.json"), "utf8"),
);
const codes = new Map(iso31661.map(({ numeric, alpha2 }) => [numeric, alpha2]));

/** Whole units of it are finer than anybody sees. */
const WIDTH = 2000;
const ANTARCTICA = "010";

/** The Natural Earth projection by Tom Patterson, whose polynomials Bojan Šavrič published. */
function project([degrees, latitude]) {
  const [lambda, phi] = [(degrees * Math.PI) / 180, (latitude * Math.PI) / 180];
  const [p2, p4] = [phi ** 2, phi ** 4];
  const x = lambda * (0.8707 - 0.131979 * p2 + p4 * (-0.013791 + p4 * (0.003971 * p2 - 0.001529 * p4)));
  const y = phi * (1.007226 + p2 * (0.015085 + p4 * (-0.044475 + 0.028874 * p2 - 0.005916 * p4)));
  const scale = WIDTH / (2 * Math.PI * 0.8707);
  return [WIDTH / 2 + x * scale, -y * scale];
}

/** A ring over the 180th meridian goes on beyond it, rather than around the world. */
function unrolled(ring) {
  let turn = 0;
  return ring.map(([longitude, latitude], index) => {
    const before = index > 0 ? ring[index - 1][0] : longitude;
    if (longitude - before > 180) turn -= 360;
    if (longitude - before < -180) turn += 360;
    return [longitude + turn, latitude];
  });
}

let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];

function outline(ring) {
  const points = unrolled(ring).map(project);
  for (const [x, y] of points) {
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  const whole = points.slice(0, -1).map((point) => point.map(Math.round));
  // Each point from the one before, which takes half the room.
  const steps = whole.slice(1).map(([x, y], index) => [x - whole[index][0], y - whole[index][1]]);
  const written = steps.filter(([x, y]) => x !== 0 || y !== 0).map(([x, y]) => `${x}${y < 0 ? "" : " "}${y}`);
  // What is smaller than a unit is not drawn.
  return written.length < 2 ? "" : `M${whole[0].join(" ")}l${written.join(" ")}z`;
}

const countries = feature(atlas, atlas.objects.countries)
  .features.filter(({ id }) => id !== ANTARCTICA)
  .map(({ id, geometry }) => {
    const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    return [codes.get(id) ?? null, polygons.flat().map(outline).join("")];
  });

const box = [left, top, right - left, bottom - top].map((side) => Math.round(side)).join(" ");
writeFileSync(
  "src/charts/world.gen.ts",
  `export const VIEW_BOX = ${JSON.stringify(box)};\n\n/** Codes of ISO 3166 with outlines. */\nexport const COUNTRIES: [string | null, string][] = ${JSON.stringify(countries)};\n`,
);
