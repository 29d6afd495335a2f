import { printable } from '@holdfast/domain';

/** JSON text that is safe in a terminal and means the same: what `JSON.stringify` leaves is escaped too. */
export const printableJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(
    /[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    printable,
  );
