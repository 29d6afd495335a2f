import { Breadcrumbs, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { messages } from '../../app/messages.ts';
import classes from './content.module.css';

/** The directories above, each leading there. */
export function PathBreadcrumbs({ path }: { path: string }) {
  const segments = path.split('/');
  const isDirectory = path === '' || path.endsWith('/');
  const directories = segments.slice(0, -1);
  return (
    <nav aria-label={messages.content.where}>
      <Breadcrumbs className={classes.breadcrumbs} separatorMargin={6}>
        <Link to="/documents" className={classes.link}>
          {messages.content.top}
        </Link>
        {directories.map((name, index) => (
          <Link
            key={index}
            to="/documents"
            search={{ prefix: `${segments.slice(0, index + 1).join('/')}/`, deleted: undefined }}
            className={classes.link}
            aria-current={isDirectory && index === directories.length - 1 ? 'page' : undefined}
          >
            <bdi>{name}</bdi>
          </Link>
        ))}
        {!isDirectory && (
          <Text span aria-current="page">
            <bdi>{segments.at(-1)}</bdi>
          </Text>
        )}
      </Breadcrumbs>
    </nav>
  );
}
