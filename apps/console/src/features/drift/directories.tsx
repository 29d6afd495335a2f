import type { ScanSummary } from '@holdfast/api/types';
import { Link } from '@tanstack/react-router';
import { messages } from '../../app/messages.ts';
import classes from './drift.module.css';
import { addSides, directoryOf, type Outcome, total } from './findings.ts';
import { OutcomeBar } from './outcome-bar.tsx';

const words = messages.drift;

/** How much was found in each directory of one level, the fullest first; each leads a level down. */
export function Directories({ summary }: { summary: ScanSummary }) {
  const above = directoryOf(summary.prefix);
  const others = addSides(summary.others);
  const bars = summary.directories.map(({ directory, ...sides }) => ({ directory, counts: addSides(sides) }));
  const most = Math.max(total(others), ...bars.map(({ counts }) => total(counts)));
  return (
    <ul className={classes.directories} aria-label={words.byDirectory}>
      {bars.map(({ directory, counts }) => (
        <li key={directory} className={classes.directory}>
          {directory === above ? (
            <Bar name={words.directlyHere} counts={counts} most={most} />
          ) : (
            <Link
              to="/drift"
              search={(before) => ({ ...before, prefix: directory })}
              resetScroll={false}
              className={classes.directoryLink}
              title={directory}
            >
              <Bar name={directory.slice(above.length)} counts={counts} most={most} />
            </Link>
          )}
        </li>
      ))}
      {total(others) > 0 && (
        <li className={classes.directory}>
          <Bar name={words.otherDirectories} counts={others} most={most} />
        </li>
      )}
    </ul>
  );
}

function Bar({ name, counts, most }: { name: string; counts: Record<Outcome, number>; most: number }) {
  const count = total(counts);
  return (
    <div className={classes.directoryBar}>
      <bdi className={classes.directoryName}>{name}</bdi>
      <OutcomeBar counts={counts} share={count / most} />
      <span className={classes.number} aria-hidden>
        {count.toLocaleString()}
      </span>
    </div>
  );
}
