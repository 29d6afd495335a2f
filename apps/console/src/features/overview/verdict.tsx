import { Alert, Anchor, Code, Group, List, Skeleton, Stack, Text, ThemeIcon } from '@mantine/core';
import { IconAlertOctagon, IconAlertTriangle, IconCheck, IconPlugConnectedX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { healthQuery, openAlertsQuery } from '../../api/queries.ts';
import { Failure } from '../../app/failure.tsx';
import { useLive } from '../../app/live-page.ts';
import { messages } from '../../app/messages.ts';
import classes from './overview.module.css';
import { findTroubles, type Trouble } from './troubles.ts';

/** The one glance: all well or not, and if not, what to do. */
export function Verdict() {
  const health = useQuery(healthQuery);
  const alerts = useQuery(openAlertsQuery);
  const live = useLive();
  if (health.data === undefined || alerts.data === undefined) {
    const failed = [health, alerts].find(({ isError }) => isError);
    if (failed === undefined) return <Skeleton height={74} />;
    return (
      <Failure error={failed.error} what={messages.overview.title} onRetry={() => void failed.refetch()} />
    );
  }
  if (live.is === 'down' && health.isError) {
    return (
      <Headline
        state="unknown"
        title={messages.overview.outOfDate}
        detail={messages.overview.outOfDateDetail}
      />
    );
  }
  const troubles = findTroubles(health.data, alerts.data);
  if (troubles.length === 0) {
    const documents = messages.overview.documents(health.data.documents.published);
    return (
      <Headline
        state="well"
        title={messages.overview.allRight}
        detail={messages.overview.allRightDetail(documents)}
      />
    );
  }
  const isSevere = troubles.some((trouble) => trouble.isSevere);
  return (
    <Headline
      state={isSevere ? 'severe' : 'warning'}
      title={messages.overview.trouble(troubles.length)}
      detail={health.data.reasons.length > 0 ? messages.overview.notReady : undefined}
    >
      <List spacing="sm" listStyleType="none" mt="sm" className={classes.troubles}>
        {troubles.map((trouble) => (
          <TroubleItem key={trouble.code} {...trouble} />
        ))}
      </List>
    </Headline>
  );
}

const STATES = {
  well: { colour: 'teal', icon: IconCheck },
  warning: { colour: 'yellow', icon: IconAlertTriangle },
  severe: { colour: 'red', icon: IconAlertOctagon },
  unknown: { colour: 'gray', icon: IconPlugConnectedX },
} as const;

function Headline(props: {
  state: keyof typeof STATES;
  title: string;
  detail?: string;
  children?: React.ReactNode;
}) {
  const { colour, icon: Icon } = STATES[props.state];
  return (
    <Alert color={colour} variant="outline" className={classes.verdict} data-state={props.state} p="md">
      <Group wrap="nowrap" align="flex-start">
        <ThemeIcon color={colour} size={42} radius="xl" variant="light">
          <Icon size={24} aria-hidden />
        </ThemeIcon>
        <div className={classes.grow}>
          <div role="status">
            <Text fw={700} size="xl" component="h2" lh={1.2}>
              {props.title}
            </Text>
          </div>
          {props.detail !== undefined && <Text>{props.detail}</Text>}
          {props.children}
        </div>
      </Group>
    </Alert>
  );
}

function TroubleItem({ code, details, isSevere, page }: Trouble) {
  const advice = messages.advice[code];
  return (
    <List.Item className={classes.trouble} data-severe={isSevere}>
      <Stack gap={2}>
        <Text fw={650}>{messages.conditions[code] ?? code}</Text>
        <Text>
          {advice}{' '}
          <Anchor component={Link} to={page} className={classes.lead}>
            {messages.leadsTo(messages.pageNames[page])}
          </Anchor>
        </Text>
        {details.map((detail) => (
          <Text key={detail} size="sm" c="dimmed" dir="auto" className={classes.detail}>
            {detail}
          </Text>
        ))}
        <Code className={classes.code}>{code}</Code>
      </Stack>
    </List.Item>
  );
}
