// Where panels stand: on a grid of twelve columns, none over another, and none with room above it.

export type Box = { x: number; y: number; width: number; height: number };

export const COLUMNS = 12;
const MOST_ROWS = 24;
/** Pixels of a row, and between two panels; the styles say the same. */
export const ROW = 44;
export const GAP = 16;

const clamp = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value));

const isOver = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** In the order in which they are read. */
export const inOrder = <B extends Box>(boxes: readonly B[]): B[] => [...boxes].sort((a, b) => a.y - b.y || a.x - b.x);

/**
 * The boxes without overlaps and gaps: each moves up as far as it can, or down until it is free. The one that was just
 * moved goes before others of its row, which then make way.
 */
export function arranged<B extends Box>(boxes: readonly B[], moved?: B): B[] {
  const rank = (box: B) => (box === moved ? box.y - 0.5 : box.y);
  const order = [...boxes].sort((a, b) => rank(a) - rank(b) || a.x - b.x);
  const placed = new Map<B, B>();
  const isFree = (box: Box) => ![...placed.values()].some((other) => isOver(other, box));
  for (const box of order) {
    let y = box.y;
    while (!isFree({ ...box, y })) y += 1;
    while (y > 0 && isFree({ ...box, y: y - 1 })) y -= 1;
    placed.set(box, { ...box, y });
  }
  return boxes.map((box) => placed.get(box)!);
}

/** With one of them moved by so many columns and rows. */
export function moved<B extends Box>(boxes: readonly B[], box: B, columns: number, rows: number): B[] {
  const next = { ...box, x: clamp(box.x + columns, 0, COLUMNS - box.width), y: Math.max(0, box.y + rows) };
  return arranged(
    boxes.map((other) => (other === box ? next : other)),
    next,
  );
}

/** With one of them moved by a key: a column to the side, or past its neighbour above or below. */
export function nudged<B extends Box>(boxes: readonly B[], box: B, columns: number, rows: number): B[] {
  if (rows === 0) return moved(boxes, box, columns, 0);
  const beside = (other: Box) => other.x < box.x + box.width && box.x < other.x + other.width;
  const way = boxes.filter((other) => other !== box && beside(other) && (other.y - box.y) * rows > 0);
  const nearest = way.sort((a, b) => (a.y - b.y) * rows)[0];
  if (!nearest) return [...boxes];
  return moved(boxes, box, 0, nearest.y - box.y + (rows > 0 ? 1 : 0));
}

/** With one of them made larger or smaller by so many columns and rows. */
export function resized<B extends Box>(boxes: readonly B[], box: B, columns: number, rows: number): B[] {
  const width = clamp(box.width + columns, 2, COLUMNS - box.x);
  const next = { ...box, width, height: clamp(box.height + rows, 2, MOST_ROWS) };
  return arranged(
    boxes.map((other) => (other === box ? next : other)),
    next,
  );
}

/** The first row below all of them. */
export const below = (boxes: readonly Box[]) => Math.max(0, ...boxes.map(({ y, height }) => y + height));
