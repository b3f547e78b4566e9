// What a page is called in tabs, in the history and by screen readers: itself, then what it is about.

const TABS: Record<string, string> = {
  try: 'Try it',
  configure: 'Configure',
  connections: 'Connections',
  connect: 'A new connection',
  limits: 'Limits',
  webhooks: 'Webhooks',
  activity: 'Activity',
};

/** The title of the page at `path`; `nameOf` gives the name of an integration. */
export function titleOf(path: string, nameOf: (id: string) => string | undefined): string {
  return [...parts(path.split('/').filter(Boolean).map(decoded), nameOf), 'Trunkline'].join(' · ');
}

function parts([place, one, tab, inner, ...more]: string[], nameOf: (id: string) => string | undefined): string[] {
  if (place === undefined || (place === 'integrations' && one === undefined)) {
    return ['Integrations'];
  }
  if (more.length > 0) {
    return ['No such page'];
  }
  switch (place) {
    case 'integrations': {
      const name = nameOf(one!) || one!;
      if (tab === undefined) {
        return [name];
      }
      const title = TABS[tab];
      return title === undefined ? ['No such page'] : [...(inner === undefined ? [] : [inner]), title, name];
    }
    case 'add':
      return tab === undefined ? ['Add an integration'] : [`Add ${tab}`];
    case 'activity':
      return one === undefined ? ['Activity'] : tab === undefined ? [`Call ${one}`, 'Activity'] : ['No such page'];
    case 'settings':
      return one === undefined ? ['Settings'] : ['No such page'];
    default:
      return ['No such page'];
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The integration that a path is about, if it is about one. */
export function integrationIn(path: string): string | undefined {
  const [place, id] = path.split('/').filter(Boolean);
  return place === 'integrations' && id !== undefined ? decoded(id) : undefined;
}
