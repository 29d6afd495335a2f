/**
 * For threads that handle files and nothing else: paths and errors without the schemas of events, whose loading takes
 * longer than such a thread may need for all its work.
 */
export { compareUtf8, isContentPath, parseDirectory, sortUtf8 } from './content/path.ts';
export { HoldfastError, isHoldfastError } from './errors.ts';
