import './network/link.js';
import './network/relay.js';
import './network/signal-proxy.js';
import './network/livekit-server.js';
import './server/ending.js';
