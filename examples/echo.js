// Gives everybody their voice back: what the session mixes goes to a publisher.
import { pipeline } from 'node:stream/promises';
import { connect } from 'sluice';

const session = await connect({ sessionId: 'demo', name: 'Echo' });
process.once('SIGINT', () => void session.disconnect());
const publisher = await session.publish({ name: 'Echo', hasVideo: false });
await pipeline(session, publisher);
