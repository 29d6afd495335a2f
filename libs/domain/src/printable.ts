/**
 * Text as a terminal may show it: control characters, half surrogate pairs and the invisible characters that
 * reorder a line are escaped as JSON escapes them. Letters of any script, right-to-left ones included, stay.
 */
export const printable = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
