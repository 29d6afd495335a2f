const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 })} ${BYTE_UNITS[power]}`;
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** `1 h 5 min`, `12 s`, `340 ms`: the two largest units. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return unit(Math.round(ms), 'millisecond');
  if (ms < 10_000) return unit(Math.round(ms / 100) / 10, 'second');
  const first = UNITS.findIndex(([, size]) => ms >= size);
  const parts: string[] = [];
  let rest = ms;
  for (const [name, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(unit(count, name));
  }
  return parts.join(' ');
}

const unit = (value: number, name: string): string =>
  value.toLocaleString(undefined, { style: 'unit', unit: name, unitDisplay: 'short' });

const ago = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });

/** `3 min. ago`, in the viewer's language. */
export function formatAgo(from: Date, now: Date): string {
  const ms = from.getTime() - now.getTime();
  for (const [name, size] of UNITS) {
    if (Math.abs(ms) >= size) return ago.format(Math.trunc(ms / size), name);
  }
  return ago.format(0, 'second');
}

const sameDay = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const otherDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** In the viewer's zone; today's without the date. */
export const formatInstant = (at: Date, now: Date): string =>
  (at.toDateString() === now.toDateString() ? sameDay : otherDay).format(at);

export const formatUtc = (at: Date): string => at.toISOString().replace('T', ' ').replace('Z', '');
