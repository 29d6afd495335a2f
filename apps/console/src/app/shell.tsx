import { ActionIcon, AppShell, Badge, Burger, Group, NavLink, Text, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconAlertTriangle,
  IconArrowsExchange,
  IconFiles,
  IconGauge,
  IconLogout,
  IconRefresh,
  IconScale,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { healthQuery, openAlertsQuery, sessionQuery } from '../api/queries.ts';
import { session } from '../api/session.ts';
import { LiveBanner, LiveIndicator } from './live-indicator.tsx';
import { messages } from './messages.ts';
import { ModeBadge } from './mode-badge.tsx';
import classes from './shell.module.css';
import { ThemeSwitch } from './theme-switch.tsx';

const PAGES = [
  { to: '/', label: messages.pages.overview, icon: IconGauge },
  { to: '/mode', label: messages.pages.mode, icon: IconArrowsExchange },
  { to: '/documents', label: messages.pages.documents, icon: IconFiles },
  { to: '/replications', label: messages.pages.replications, icon: IconRefresh },
  { to: '/drift', label: messages.pages.drift, icon: IconScale },
  { to: '/alerts', label: messages.pages.alerts, icon: IconAlertTriangle },
] as const;

/** What stands around every page. */
export function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure();
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    // To the first page nobody has gone; to another one the keyboard and the screen reader go along.
    if (before.current !== undefined) main.current?.focus({ preventScroll: true });
    before.current = path;
    close();
  }, [path, close]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <AppShell.Header px="sm">
        <a href="#main" className={classes.skip}>
          {messages.skipToContent}
        </a>
        <Group h="100%" justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="xs" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={isOpen ? messages.closeNavigation : messages.openNavigation}
              aria-expanded={isOpen}
            />
            <Text fw={750} size="lg" visibleFrom="xs">
              {messages.product}
            </Text>
            <NodeName />
          </Group>
          <Group gap="xs" wrap="nowrap">
            <ModeBadge />
            <LiveIndicator />
            <ThemeSwitch />
            <SignOut />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={messages.navigation}>
        {PAGES.map(({ to, label, icon: Icon }) => (
          <NavLink
            key={to}
            component={Link}
            to={to}
            label={label}
            active={to === '/' ? path === '/' : path?.startsWith(to) === true}
            aria-current={path === to ? 'page' : undefined}
            leftSection={<Icon size={18} aria-hidden />}
            rightSection={to === '/alerts' ? <OpenAlerts /> : undefined}
            className={classes.navLink}
          />
        ))}
        <NavLink
          mt="auto"
          component="a"
          href="/docs"
          label={messages.apiDescription}
          className={classes.navLink}
        />
      </AppShell.Navbar>
      <AppShell.Main id="main" ref={main} tabIndex={-1} className={classes.main}>
        <Outlet />
      </AppShell.Main>
      <LiveBanner />
    </AppShell>
  );
}

function NodeName() {
  const { data } = useQuery(healthQuery);
  return data === undefined ? null : (
    <Text c="dimmed" size="sm" truncate visibleFrom="md" dir="auto">
      {data.node}
    </Text>
  );
}

function OpenAlerts() {
  const { data = [] } = useQuery(openAlertsQuery);
  if (data.length === 0) return null;
  return (
    <Badge color="red" variant="filled" size="sm" aria-label={`${data.length} ${messages.alerts.open}`}>
      {data.length}
    </Badge>
  );
}

function SignOut() {
  const { data } = useQuery(sessionQuery);
  if (data === null || data === undefined || session.token() === null) return null;
  return (
    <Tooltip label={messages.session.signedInAs(data.name)}>
      <ActionIcon variant="default" size="lg" aria-label={messages.session.signOut} onClick={session.signOut}>
        <IconLogout size={18} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}
