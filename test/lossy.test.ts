import './session/lossy/loss.js';
import './network/publisher.js';
