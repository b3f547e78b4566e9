// Which page belongs to which path; all but the list are loaded when they are opened.
import { createBrowserRouter } from 'react-router';
import { Integrations } from './pages/Integrations';
import { Broken } from './parts/Broken';
import { Frame } from './parts/Frame';

export const router = createBrowserRouter([
  {
    element: <Frame />,
    errorElement: <Broken />,
    // Nothing is shown while the first page's script loads.
    HydrateFallback: () => null,
    children: [
      { path: '/', element: <Integrations /> },
      { path: '/integrations', element: <Integrations /> },
      { path: '/add', lazy: async () => ({ Component: (await import('./pages/Add')).Add }) },
      { path: '/add/connector/:name', lazy: async () => ({ Component: (await import('./pages/AddConnector')).AddConnector }) },
      { path: '/add/type/:type', lazy: async () => ({ Component: (await import('./pages/AddType')).AddType }) },
      {
        path: '/integrations/:id',
        lazy: async () => ({ Component: (await import('./pages/Integration')).Integration }),
        children: [
          { index: true, lazy: async () => ({ Component: (await import('./pages/Overview')).Overview }) },
          { path: 'try', lazy: async () => ({ Component: (await import('./pages/Try')).Try }) },
          { path: 'configure', lazy: async () => ({ Component: (await import('./pages/Configure')).Configure }) },
          { path: 'limits', lazy: async () => ({ Component: (await import('./pages/Limits')).Limits }) },
          { path: 'connections', lazy: async () => ({ Component: (await import('./pages/Connections')).Connections }) },
          { path: 'connect', lazy: async () => ({ Component: (await import('./pages/Connection')).AddConnection }) },
          { path: 'connections/:connection', lazy: async () => ({ Component: (await import('./pages/Connection')).Connection }) },
          { path: 'webhooks', lazy: async () => ({ Component: (await import('./pages/Webhooks')).Webhooks }) },
          { path: 'webhooks/:event', lazy: async () => ({ Component: (await import('./pages/Webhook')).Webhook }) },
          { path: 'activity', lazy: async () => ({ Component: (await import('./pages/ActivityOf')).ActivityOf }) },
        ],
      },
      { path: '/activity', lazy: async () => ({ Component: (await import('./pages/Activity')).Activity }) },
      { path: '/activity/:id', lazy: async () => ({ Component: (await import('./pages/Record')).Record }) },
      { path: '/settings', lazy: async () => ({ Component: (await import('./pages/Settings')).Settings }) },
      { path: '*', element: <Broken missing /> },
    ],
  },
]);
