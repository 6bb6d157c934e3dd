/** Days as users write them. JavaScript reads other forms than ISO's in local time, and days that are none as other days. */
import { UserError } from '../store/errors.js';

/** The beginning of a day (UTC), in seconds since 1970. @throws UserError unless it is an ISO day, 2025-04-01 */
export function secondsOfDay(day: string, name: string): number {
  const time = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(day) : Number.NaN;
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(day)) throw new UserError(`${name} ${JSON.stringify(day)} is no day: write it as 2025-04-01.`);
  return time / 1000;
}
