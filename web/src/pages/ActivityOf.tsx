// What happened lately through one integration.
import { useParams } from 'react-router';
import { Log } from '../parts/Log';

export function ActivityOf() {
  const { id = '' } = useParams();
  return <Log integration={id} />;
}
