import { printable } from '@holdfast/domain';

const LEVELS: Readonly<Record<number, { name: string; colour: number }>> = {
  10: { name: 'trace', colour: 90 },
  20: { name: 'debug', colour: 90 },
  30: { name: 'info', colour: 32 },
  40: { name: 'warn', colour: 33 },
  50: { name: 'error', colour: 31 },
  60: { name: 'fatal', colour: 31 },
};

/**
 * What a person reads of one line of a process's log.
 * @param line  a JSON line of pino, or anything else, which stays as it is
 */
export function showLogLine(line: string, processName: string, useColours: boolean): string {
  const paint = (colour: number, text: string) => (useColours ? `\x1b[${colour}m${text}\x1b[0m` : text);
  const entry = parseEntry(line);
  if (entry === null) return `${paint(90, processName.padEnd(10))} ${printable(line)}`;
  const level = LEVELS[entry.level] ?? { name: String(entry.level), colour: 0 };
  const code = entry.code === null ? '' : ` ${paint(90, `[${printable(entry.code)}]`)}`;
  const columns = [
    paint(90, entry.time),
    paint(level.colour, level.name.padEnd(5)),
    paint(90, processName.padEnd(10)),
    `${printable(entry.message)}${code}`,
  ];
  return columns.join(' ');
}

function parseEntry(
  line: string,
): { level: number; time: string; message: string; code: string | null } | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isRecord(value) || typeof value.level !== 'number') return null;
  const error = isRecord(value.err) ? value.err : {};
  const text = (...candidates: unknown[]) => candidates.find((candidate) => typeof candidate === 'string');
  const at = new Date(
    typeof value.time === 'number' || typeof value.time === 'string' ? value.time : Number.NaN,
  );
  return {
    level: value.level,
    time: Number.isNaN(at.getTime()) ? '--:--:--' : at.toTimeString().slice(0, 8),
    message: text(value.msg, error.message) ?? '',
    code: text(value.code, error.code) ?? null,
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
