// What concerns the server and this browser rather than one integration.
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import Link from '@mui/material/Link';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useSyncExternalStore } from 'react';
import { keys, rotation, tokens, version } from '../api/operate';
import { refuse, setToken, subscribe, token } from '../api/token';
import { Facts } from '../parts/Facts';
import { Keys } from '../parts/Keys';
import { ThemeChoice } from '../parts/ThemeChoice';
import { Tokens } from '../parts/Tokens';
import { Trouble } from '../parts/Trouble';
import { forgetDrafts } from '../try/draft';
import { span } from '../words';

export function Settings() {
  const asked = useQueries({ queries: [tokens, keys, rotation, version] });
  // All at once: what comes late would push down what one already reads.
  const ready = asked.every(({ isPending }) => !isPending);
  return (
    <Stack spacing={2} sx={{ maxWidth: 820 }}>
      <Typography variant="h1">Settings</Typography>
      <Part id="browser" title="This browser">
        <Browser />
      </Part>
      {ready && (
        <>
          <Part id="tokens" title="API tokens">
            <Tokens />
          </Part>
          <Part id="keys" title="Master keys">
            <Keys />
          </Part>
          <Part id="server" title="This server">
            <Server />
          </Part>
        </>
      )}
    </Stack>
  );
}

function Part({ id, title, children }: { id: string; title: string; children: ReactNode }) {
  return (
    <Card component="section" aria-labelledby={id} sx={{ p: 2 }}>
      <Typography variant="h2" id={id} sx={{ mb: 1.5 }}>
        {title}
      </Typography>
      {children}
    </Card>
  );
}

function Browser() {
  const held = useSyncExternalStore(subscribe, () => token() !== null);
  const queries = useQueryClient();
  const forget = () => {
    setToken(null);
    forgetDrafts();
    queries.clear();
    refuse();
  };
  return (
    <Stack spacing={1.5} sx={{ alignItems: 'flex-start' }}>
      <Stack direction="row" spacing={2} sx={{ alignItems: 'center' }}>
        <Typography variant="body2">Theme</Typography>
        <ThemeChoice label="Theme of this browser" />
      </Stack>
      <Typography variant="body2">
        {held ? 'An API token is kept for this tab, until you close it.' : 'No API token is kept: this server asks for none here.'}
      </Typography>
      {held && (
        <Button size="small" variant="outlined" onClick={forget}>
          Forget the token
        </Button>
      )}
    </Stack>
  );
}

function Server() {
  const known = useQuery(version);
  return (
    <Stack spacing={1.5}>
      {known.error && <Trouble error={known.error} retry={() => void known.refetch()} />}
      {known.data && (
        <Facts
          facts={[
            ['Version', known.data.version],
            ['Address', known.data.public_url ?? 'not known: set server.public_url'],
            ['Runs for', span(known.data.uptime_seconds * 1000)],
          ]}
        />
      )}
      <Stack direction="row" useFlexGap sx={{ columnGap: 2, rowGap: 1, flexWrap: 'wrap' }}>
        <Link variant="body2" href="/docs/">
          The API, to read and to try
        </Link>
        <Link variant="body2" href="/openapi.json">
          openapi.json
        </Link>
      </Stack>
    </Stack>
  );
}
