import type { z } from 'zod';

/** Who reads a setting. */
export type SettingUser = 'api' | 'projector' | 'cli';

interface About {
  /** The name of the environment variable. */
  readonly variable: string;
  /** One sentence. */
  readonly description: string;
  /** A value that is right, for messages. */
  readonly example: string;
  readonly usedBy: readonly SettingUser[];
  /** Its value is never shown. */
  readonly isSecret?: true;
}

/** One environment variable. `Value` is what the program gets. */
export interface Setting<Value> extends About {
  readonly schema: z.ZodType<Value, string>;
  /** The variables that must be set too where this is the value. */
  needs?(value: Value): readonly string[];
  /** Parsed as if it had been given; null: the value is null when the variable is not set. */
  readonly fallback: string | null;
  /** What documents say about the default, in Markdown. */
  readonly fallbackShown: string;
}

/** A setting with a default, which has to pass the schema like any given value. */
export const setting = <Value>(
  about: About & {
    schema: z.ZodType<Value, string>;
    default: string;
    defaultShown?: string;
    needs?(value: Value): readonly string[];
  },
): Setting<Value> => {
  const { default: fallback, defaultShown, ...rest } = about;
  return { ...rest, fallback, fallbackShown: defaultShown ?? `\`${fallback}\`` };
};

/** A setting that is null when it is not given. */
export const optionalSetting = <Value>(
  about: About & {
    schema: z.ZodType<Value, string>;
    defaultShown: string;
    /** Where it is given. */
    needs?: readonly string[];
  },
): Setting<Value | null> => {
  const { defaultShown, needs = [], ...rest } = about;
  return { ...rest, needs: () => needs, fallback: null, fallbackShown: defaultShown };
};
