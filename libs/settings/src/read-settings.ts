import { HoldfastError } from '@holdfast/domain';
import type { Setting } from './setting.ts';
import { type SettingName, SETTINGS, type Settings } from './settings.ts';

/** As `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'HOLDFAST_';
const known: readonly string[] = Object.values(SETTINGS).map(({ variable }) => variable);

/** Every setting there is, for who checks the whole environment at once. */
export const ALL_SETTINGS = Object.keys(SETTINGS) as readonly SettingName[];

/**
 * Reads the named settings. An empty variable counts as not set.
 * @throws CONFIG_INVALID with every problem at once: also HOLDFAST_* variables that no setting knows, as
 *         a misspelt name would else be a setting silently not made
 */
export function readSettings<const Name extends SettingName>(
  env: Environment,
  names: readonly Name[],
): Readonly<Pick<Settings, Name>> {
  const problems: string[] = [];
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of names) {
    const definition: Setting<unknown> = SETTINGS[name];
    const given = env[definition.variable] || undefined;
    const text = given ?? definition.fallback;
    if (text === null) {
      values[name] = null;
      continue;
    }
    const parsed = definition.schema.safeParse(text);
    if (!parsed.success) {
      problems.push(describeProblem(definition, text, parsed.error.issues[0]?.message ?? 'is not right'));
      continue;
    }
    values[name] = parsed.data;
    for (const needed of definition.needs?.(parsed.data) ?? []) {
      if (!env[needed]) problems.push(describeMissing(definition, text, needed));
    }
  }
  problems.push(...findUnknown(env));
  if (problems.length > 0) throw configInvalid(problems);
  return Object.freeze(values) as Readonly<Pick<Settings, Name>>;
}

const describeProblem = (definition: Setting<unknown>, text: string, problem: string): string =>
  `${shown(definition, text)} ${problem} (example: ${definition.variable}=${definition.example})`;

const describeMissing = (definition: Setting<unknown>, text: string, needed: string): string =>
  `${shown(definition, text)} needs ${needed}, which is not set`;

const shown = ({ variable, isSecret }: Setting<unknown>, text: string): string =>
  `${variable}=${isSecret === true ? '***' : JSON.stringify(withoutCredentials(text).slice(0, 100))}`;

/** URLs may carry a password, also where they should not. */
const withoutCredentials = (text: string): string => text.replace(/\/\/[^/]*@/g, '//***@');

/** The values are not shown: nobody knows whether they are secret. */
const findUnknown = (env: Environment): string[] =>
  Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && Boolean(env[name]) && !known.includes(name))
    .sort()
    .map((name) => {
      const close = known.find((other) => isNearly(name, other));
      return `${name} is not known to this version${close === undefined ? '' : `; is ${close} meant?`}`;
    });

/** One letter more, less, other, or two neighbours swapped. */
function isNearly(left: string, right: string): boolean {
  let start = 0;
  while (start < left.length && left[start] === right[start]) start += 1;
  const [a, b] = [left.slice(start), right.slice(start)];
  return (
    a.slice(1) === b ||
    a === b.slice(1) ||
    a.slice(1) === b.slice(1) ||
    (a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2))
  );
}

const configInvalid = (problems: readonly string[]): HoldfastError =>
  new HoldfastError(
    'CONFIG_INVALID',
    [
      `The environment has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:`,
      ...problems.map((problem) => `  ${problem}`),
      'Correct or unset what is named and start again; docs/configuration.md lists every setting.',
    ].join('\n'),
    { context: { problems } },
  );
