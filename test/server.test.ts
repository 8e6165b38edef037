import './server/token.js';
import './server/rewriting.js';
import './server/down-track.js';
import './server/up-receiver.js';
import './server/speakers.js';
import './server/http.js';
import './server/signalling.js';
