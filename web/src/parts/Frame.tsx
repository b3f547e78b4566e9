// The frame of all pages: where one is, where one can go, and how it looks.
import AppBar from '@mui/material/AppBar';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Container from '@mui/material/Container';
import Link from '@mui/material/Link';
import Toolbar from '@mui/material/Toolbar';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { Link as To, Outlet, useLocation } from 'react-router';
import { list } from '../api/queries';
import { integrationIn, titleOf } from '../title';
import { ThemeChoice } from './ThemeChoice';
import { useArrival } from './useArrival';
import { useFallback } from './useFallback';

const PLACES = [
  { to: '/', label: 'Integrations', pages: /^\/($|add|integrations)/ },
  { to: '/activity', label: 'Activity', pages: /^\/activity/ },
  { to: '/settings', label: 'Settings', pages: /^\/settings/ },
];

export function Frame() {
  const main = useRef<HTMLElement>(null);
  useArrival(main);
  useFallback(main);
  const { pathname } = useLocation();
  const id = integrationIn(pathname);
  // The page of an integration keeps it fresh.
  const items = useQuery({ ...list, enabled: id !== undefined, refetchInterval: false });
  const title = titleOf(pathname, (of) => items.data?.find((item) => item.integration_id === of)?.name);
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <Link
        href="#content"
        sx={{ position: 'absolute', left: 8, top: -60, p: 1, bgcolor: 'background.paper', zIndex: 2000, '&:focus': { top: 8 } }}
      >
        Skip to the content
      </Link>
      <AppBar position="static" color="default" elevation={0} sx={{ borderWidth: '0 0 1px', bgcolor: 'background.paper' }}>
        <Toolbar component="nav" aria-label="Main" variant="dense" sx={{ gap: { xs: 0, sm: 1 }, px: { xs: 1, sm: 2 } }}>
          <Box component="span" sx={{ fontWeight: 700, mr: 2, display: { xs: 'none', sm: 'block' } }}>
            Trunkline
          </Box>
          {PLACES.map(({ to, label, pages }) => (
            <Button
              key={to}
              component={To}
              to={to}
              // What lies below a place is of it.
              aria-current={pathname === to ? 'page' : pages.test(pathname) ? 'true' : undefined}
              color="inherit"
              sx={{ minWidth: 0, '&[aria-current]': { color: 'primary.main', fontWeight: 700 } }}
            >
              {label}
            </Button>
          ))}
          <Button component="a" href="/docs/" color="inherit" sx={{ minWidth: 0 }}>
            API
          </Button>
          <Box sx={{ flexGrow: 1 }} />
          {/* On a phone the settings have it. */}
          <Box sx={{ display: { xs: 'none', sm: 'block' } }}>
            <ThemeChoice />
          </Box>
        </Toolbar>
      </AppBar>
      <Container component="main" ref={main} id="content" tabIndex={-1} maxWidth="lg" sx={{ py: 3, outline: 'none' }}>
        <Outlet />
      </Container>
    </>
  );
}
