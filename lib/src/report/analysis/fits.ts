/** How a score grows with a number: the two curves that the paper fits to Table 10, by least squares. */

export interface Fit {
  /** Of the formula. */
  a: number;
  b: number;
  /** Share of the scores' variance that it explains, in their own units. */
  r2: number;
  at(x: number): number;
}

/** score = a + b · ln x */
export function logLinear(points: readonly { x: number; y: number }[]): Fit {
  const { a, b } = line(points.map(({ x, y }) => ({ x: Math.log(x), y })));
  return fitted(points, a, b, (x) => a + b * Math.log(x));
}

/** score = a · x^b, fitted as a line through the logarithms of both. Scores must be above zero. */
export function powerLaw(points: readonly { x: number; y: number }[]): Fit {
  const { a, b } = line(points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) })));
  return fitted(points, Math.exp(a), b, (x) => Math.exp(a) * x ** b);
}

function line(points: readonly { x: number; y: number }[]): { a: number; b: number } {
  const n = points.length, [mx, my] = [points.reduce((s, { x }) => s + x, 0) / n, points.reduce((s, { y }) => s + y, 0) / n];
  const b = points.reduce((s, { x, y }) => s + (x - mx) * (y - my), 0) / points.reduce((s, { x }) => s + (x - mx) ** 2, 0);
  return { a: my - b * mx, b };
}

function fitted(points: readonly { x: number; y: number }[], a: number, b: number, at: (x: number) => number): Fit {
  const mean = points.reduce((s, { y }) => s + y, 0) / points.length;
  const rest = points.reduce((s, { x, y }) => s + (y - at(x)) ** 2, 0), all = points.reduce((s, { y }) => s + (y - mean) ** 2, 0);
  return { a, b, r2: 1 - rest / all, at };
}
