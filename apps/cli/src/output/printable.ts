/**
 * Text as a terminal may show it: control characters, half surrogate pairs and the invisible characters that
 * reorder a line are escaped as JSON escapes them. Letters of any script, right-to-left ones included, stay.
 */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, escape);

/** JSON text that is safe in a terminal and means the same: what `JSON.stringify` leaves is escaped too. */
export const printableJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(/[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escape);

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
