// Run by a spec as a process of its own: takes the lock that is named, says so, and holds it until it is killed.
import { acquireLock } from './file-lock.ts';

acquireLock(process.argv[2] ?? '', { what: 'the lock holder' });
process.stdout.write('held\n');
process.stdin.resume();
