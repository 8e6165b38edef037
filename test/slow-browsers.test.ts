import './server/browser-network.js';
import './server/ending.js';
