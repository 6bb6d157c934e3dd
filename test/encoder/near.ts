/** Elementwise comparison with a tolerance, relative above 1. */
import assert from 'node:assert/strict';

export function near(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(got.length, expected.length);
  for (let i = 0; i < got.length; i++) {
    const far = Math.abs(got[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!));
    assert.ok(far <= tolerance, `element ${i}: ${got[i]} is not ${expected[i]}`);
  }
}
