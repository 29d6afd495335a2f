import { Link } from '@tanstack/react-router';
import { PathBreadcrumbs } from '../../app/breadcrumbs.tsx';
import { messages } from '../../app/messages.ts';

export function ContentBreadcrumbs({ path }: { path: string }) {
  return (
    <PathBreadcrumbs
      path={path}
      top={messages.content.top}
      linkTo={(directory, props) => (
        <Link {...props} to="/documents" search={directory === '' ? {} : { prefix: directory }} />
      )}
    />
  );
}
