import { type FileOperations, nodeFileOperations } from '../file-operations.ts';

export interface Fault {
  /** Which call fails: 1 for the first, counted over all operations that may fail. */
  readonly at: number;
  /** `once`: the others work. `from-then-on`: a process that died, or a disk that stays full. */
  readonly lasts: 'once' | 'from-then-on';
  readonly code: string;
  /** Only these are counted, and fail; default all. */
  readonly operations?: readonly (keyof FileOperations)[];
  /** Only calls on paths that hold this text are counted, and fail; default all. */
  readonly where?: string;
}

/** What takes no room fails on no full disk. */
export const NEEDS_ROOM = ['createFile', 'write', 'makeDirectory', 'link', 'rename', 'symlink'] as const;

/** The file system, but one call fails; a write that fails has written half. Everything is noted in `calls`. */
export class FaultyFiles implements FileOperations {
  readonly calls: string[] = [];
  #fault: Fault | null;
  #counted = 0;

  constructor(fault: Fault | null) {
    this.#fault = fault;
  }

  /** Whether the call that was to fail came. */
  get hasFailed(): boolean {
    return this.#fault !== null && this.#counted >= this.#fault.at;
  }

  heal(): void {
    this.#fault = null;
  }

  createFile(file: string): number {
    return this.#run('createFile', [file], () => nodeFileOperations.createFile(file));
  }

  write(fd: number, bytes: Uint8Array): void {
    this.#run(
      'write',
      [],
      () => nodeFileOperations.write(fd, bytes),
      () => nodeFileOperations.write(fd, bytes.subarray(0, bytes.length / 2)),
    );
  }

  flush(fd: number): void {
    this.#run('flush', [], () => nodeFileOperations.flush(fd));
  }

  close(fd: number): void {
    nodeFileOperations.close(fd);
  }

  flushPath(path: string): void {
    this.#run('flushPath', [path], () => nodeFileOperations.flushPath(path));
  }

  link(existing: string, file: string): void {
    this.#run('link', [existing, file], () => nodeFileOperations.link(existing, file));
  }

  rename(from: string, to: string): void {
    this.#run('rename', [from, to], () => nodeFileOperations.rename(from, to));
  }

  symlink(target: string, file: string): void {
    this.#run('symlink', [target, file], () => nodeFileOperations.symlink(target, file));
  }

  unlink(file: string): void {
    this.#run('unlink', [file], () => nodeFileOperations.unlink(file));
  }

  makeDirectory(directory: string): void {
    this.#run('makeDirectory', [directory], () => nodeFileOperations.makeDirectory(directory));
  }

  removeDirectory(directory: string): void {
    this.#run('removeDirectory', [directory], () => nodeFileOperations.removeDirectory(directory));
  }

  stat(path: string): ReturnType<FileOperations['stat']> {
    return nodeFileOperations.stat(path);
  }

  async flushFileSystem(path: string): Promise<void> {
    await this.#run('flushFileSystem', [path], () => Promise.resolve());
  }

  #run<T>(operation: keyof FileOperations, args: readonly string[], run: () => T, half?: () => void): T {
    this.calls.push([operation, ...args].join(' '));
    const fault = this.#fault;
    if (fault !== null && isMeant(fault, operation, args)) {
      this.#counted += 1;
      const fails = fault.lasts === 'once' ? this.#counted === fault.at : this.#counted >= fault.at;
      if (fails) {
        half?.();
        const error = new Error(`${fault.code}: injected into ${operation} ${args.join(' ')}`);
        throw Object.assign(error, { code: fault.code, syscall: operation });
      }
    }
    return run();
  }
}

const isMeant = (fault: Fault, operation: keyof FileOperations, args: readonly string[]): boolean =>
  (fault.operations ?? [operation]).includes(operation) &&
  (fault.where === undefined || args.some((path) => path.includes(fault.where ?? '')));
