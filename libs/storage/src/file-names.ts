/**
 * The names of a document's files, side by side in one directory:
 *
 *     <name>.json                     the live version
 *     <name>.json.prev                the version before
 *     <name>.json.tmp.<uuid>          the next version, while it is written
 *     <name>.json.prev.tmp.<uuid>     the next `.prev`, while it is written or linked
 */
export const previousName = (path: string): string => `${path}.prev`;

export const temporaryName = (path: string, temporary: string): string => `${path}.tmp.${temporary}`;
