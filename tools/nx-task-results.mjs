import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export const name = 'task-results';

/** Writes which task ended how to the file named by NX_TASK_RESULTS_FILE, for scripts/test.ts. */
export function postTasksExecution(_options, { taskResults }) {
  const file = process.env.NX_TASK_RESULTS_FILE;
  if (!file) return;
  const tasks = Object.values(taskResults).map(({ task, status }) => ({ ...task.target, status }));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(tasks, null, 2));
}
