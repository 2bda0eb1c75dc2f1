const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** UNIX time in seconds, as tokens have it. */
export function nowSeconds(): number {
  return Date.now() / 1000;
}

/** Time of day, for UNIX seconds. */
export function timeOfDay(seconds: number): string {
  return clock.format(seconds * 1000);
}

/** Date and time with the distance from now, for UNIX seconds; also for what no calendar holds. */
export function humanTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return 'no date that a calendar holds';
  return `${calendar.format(date)}, ${distance(seconds - nowSeconds())}`;
}

/** What is left, as `59:58` or `1:00:00`; counts whole seconds so that it ends with 0:00. */
export function countdown(secondsLeft: number): string {
  const whole = Math.max(0, Math.ceil(secondsLeft));
  const hours = Math.floor(whole / HOUR);
  const minutes = Math.floor((whole % HOUR) / MINUTE);
  const seconds = `${whole % MINUTE}`.padStart(2, '0');
  return hours > 0
    ? `${hours}:${`${minutes}`.padStart(2, '0')}:${seconds}`
    : `${minutes}:${seconds}`;
}

function distance(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 90) return relative.format(Math.round(seconds), 'second');
  if (size < 90 * MINUTE) return relative.format(Math.round(seconds / MINUTE), 'minute');
  if (size < 36 * HOUR) return relative.format(Math.round(seconds / HOUR), 'hour');
  return relative.format(Math.round(seconds / DAY), 'day');
}
