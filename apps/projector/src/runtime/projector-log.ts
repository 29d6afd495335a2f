/** Where a projector says what happens to it: the part of pino's logger that it uses. */
export interface ProjectorLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}
