// Starts the UI in the page, with the nonce that lets it add its styles.
import createCache from '@emotion/cache';
import { CacheProvider } from '@emotion/react';
import CssBaseline from '@mui/material/CssBaseline';
import { ThemeProvider } from '@mui/material/styles';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { RouterProvider } from 'react-router';
import { Problem } from './api/client';
import { Door } from './parts/Door';
import { Notices } from './parts/Notices';
import { router } from './routes';
import { theme } from './theme';

const nonce = document.querySelector<HTMLMetaElement>('meta[name="styles-nonce"]')?.content;
const styles = createCache({ key: 't', nonce, prepend: true });

const queries = new QueryClient({
  defaultOptions: {
    // Browsers say that they are offline where there is no internet. The server may be on this computer; and what waits for
    // the internet would look as if it were done.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      // What the server refuses it refuses again; only silence is worth another try.
      retry: (failures, error) => error instanceof Problem && error.status === 0 && failures < 2,
    },
  },
});

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <CacheProvider value={styles}>
      <ThemeProvider theme={theme} defaultMode="system" noSsr>
        <CssBaseline enableColorScheme />
        <QueryClientProvider client={queries}>
          <Notices>
            <Door>
              <RouterProvider router={router} />
            </Door>
          </Notices>
        </QueryClientProvider>
      </ThemeProvider>
    </CacheProvider>
  </StrictMode>,
);
